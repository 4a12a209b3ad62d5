/*
 * A box that reaches all that the host does, by the host's program pasta(1), and nothing of the host's loopback:
 *
 *     box                                     second namespace                        the host's network
 *     eth0 198.18.0.2 ----- a pair of veth ----- h0 -- a router -- pasta0 -----pasta----- its sockets
 *
 * pasta answers for the device pasta0, and makes a connection of its own for each of the box's. It trusts what that
 * device sends more than it should: versions before 2024 pass on packets to 127.0.0.1, which any process can send by
 * binding its socket to the device. So the box doesn't have that device. Between them is a router, which the box can't
 * change, and whose kernel passes on no packet to or from a loopback address.
 *
 * pasta runs without privileges, as the caller, or as nobody where that is root. For that, root's router has a user
 * namespace of its own.
 */
#ifndef NSBOX_NET_PASTA_H
#define NSBOX_NET_PASTA_H

/*
 * Starts PROGRAM for the box whose first process has the directory BOX in /proc, and connects the box to it. Returns
 * when both are ready. Fails by fail_hint().
 */
void pasta_start(const char *program, int box);
/* Returns when pasta has ended. */
void pasta_wait(void);

#endif
