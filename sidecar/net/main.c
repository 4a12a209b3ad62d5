/*
 * Gives a box a network in which a name is the permission. It runs outside of the box, as the box's helper:
 *
 *     nsbox-net [--allow NAME:PORT]... [--allow-private] [--check-sni] [--publish ADDRESS:PORT:PORT]...
 *     nsbox-net --pasta PROGRAM (pasta.h)
 *
 * Descriptor 3 gets a byte when all sockets are there; 4 is the directory in /proc of a process in the box, which has a
 * network namespace of its own; 5, if it is open, gets events (event.h).
 *
 * A child makes the box's way out (veth.h) in the box's namespaces and hands its sockets over. From then on this
 * process answers the box's look-ups itself (answer.h): an allowed name is an address that stands for it. A connection
 * to that address says by it which name is meant; that name alone is looked up outside, what was found is checked, and
 * that very address is connected to (outgoing.h). Nothing else leads out of the box.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "net/confine.h"
#include "net/event.h"
#include "net/listen.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/names.h"
#include "net/options.h"
#include "net/outgoing.h"
#include "net/pass.h"
#include "net/pasta.h"
#include "net/publish.h"
#include "net/resolver.h"
#include "net/veth.h"

enum { READY = 3, BOX = 4, EVENTS = 5 };

/*
 * Descriptors that aren't a connection's: sockets that listen, pipes, those above. A connection has two, and a third
 * for attempts and pipes; where they are missing, it waits or is copied.
 */
enum { OTHER_DESCRIPTORS = 64, PER_CONNECTION = 3, MOST_CONNECTIONS = 4096 };

static struct options options;
static struct veth_sockets sockets;
static struct names names;

/* --- The child in the box's namespaces --- */

static void send_socket(int channel, int number, int fd)
{
	if (!pass_send(channel, number, fd))
		fail("hand over a socket", NULL);
}

/* In this order: whether there is IPv6, the resolver's sockets, the listeners by their ports, an end. */
static void send_sockets(int channel)
{
	send_socket(channel, sockets.v6, sockets.udp);
	send_socket(channel, 0, sockets.tcp);
	for (unsigned i = 0; i < sockets.count; i++)
		send_socket(channel, sockets.listeners[i].port, sockets.listeners[i].fd);
}

static _Noreturn void make_sockets(int channel, int parent)
{
	if (options.rules.count > 0) {
		veth_make(BOX, &options.rules, &sockets);
		send_sockets(channel);
	} else
		veth_join(BOX);
	if (options.published_count == 0) {
		send_socket(channel, -1, -1);
		_exit(0);
	}
	descriptor_keep(channel);
	descriptor_close_others();
	confine(CONFINE_SOCKETS, parent);
	send_socket(channel, -1, -1);
	/* Nothing in this process prints any more. */
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	publish_serve_sockets(channel);
}

/* --- This process --- */

/* False: that was the last one. The child has said why it failed. */
static bool receive_socket(int channel, int *number, int *fd)
{
	if (!pass_receive(channel, number, fd))
		report_give_up(STATUS_FAILED);
	return *number >= 0;
}

static void receive_sockets(int channel)
{
	int number, fd;
	if (options.rules.count > 0) {
		receive_socket(channel, &number, &sockets.udp);
		sockets.v6 = number;
		receive_socket(channel, &number, &sockets.tcp);
	}
	while (receive_socket(channel, &number, &fd)) {
		if (sockets.count == VETH_MAX_PORTS)
			fail_plain("more than 1024 ports are allowed", NULL);
		sockets.listeners[sockets.count++] = (struct veth_listener){fd, (uint16_t)number};
	}
}

/* Returns the socket to the child, which stays only if ports are published. */
static int run_child(void)
{
	int ends[2], parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail("make a socket", NULL);
	int child = sys_fork();
	if (child < 0)
		fail_hint("start a process", NULL, report_process_hint());
	if (child == 0) {
		close(ends[0]);
		make_sockets(ends[1], parent);
	}
	close(ends[1]);
	receive_sockets(ends[0]);
	if (options.published_count == 0)
		waitpid(child, NULL, 0);
	return ends[0];
}

static void count_connections(void)
{
	struct rlimit limit;
	descriptor_allow_most();
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("read the limit on descriptors", NULL);
	rlim_t others = OTHER_DESCRIPTORS + sockets.count + options.published_count;
	rlim_t most = limit.rlim_cur > others + PER_CONNECTION ? (limit.rlim_cur - others) / PER_CONNECTION : 1;
	listen_set_most(most < MOST_CONNECTIONS ? (unsigned)most : MOST_CONNECTIONS);
}

static void confine_lookup(void) { confine(CONFINE_LOOKUP, getppid()); }

/* Names of rules have their addresses in the rules' order, whatever the box asks for first. */
static void name_rules(void)
{
	for (size_t i = 0; i < options.rules.count; i++)
		if (options.rules.list[i].kind == RULE_NAME && names_add(&names, options.rules.list[i].name) < 0)
			fail_plain("more than 4096 names are allowed", NULL);
}

static void serve_box(void)
{
	name_rules();
	lookup_set_up(confine_lookup);
	outgoing_set_up(&options.rules, &names);
	resolver_set_up(&options.rules, &names, sockets.v6, sockets.udp, sockets.tcp);
	for (unsigned i = 0; i < sockets.count; i++)
		listen_add(sockets.listeners[i].fd, sockets.listeners[i].port, outgoing_accept);
}

/* Opens those that the caller has left closed, so that nothing of ours gets their numbers. False: there are no events.
 */
static bool fill_descriptors(void)
{
	bool has_events = fcntl(EVENTS, F_GETFD) >= 0;
	int null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= EVENTS)
		null = dup(null);
	if (null < 0)
		fail("open", "/dev/null");
	close(null);
	return has_events;
}

/* Nobody who reads the end of the command's output should have to wait for us. */
static void let_go(int null)
{
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			fail("release standard descriptors", NULL);
	if (null > STDERR_FILENO)
		close(null);
	close(BOX);
}

/* TERM comes when the box has ended. What it has sent until then still arrives, and is reported. */
static void finish(struct watch *watch, uint32_t events)
{
	(void)events;
	loop_forget(watch);
	listen_finish();
	relay_finish();
}

static void watch_for_end(void)
{
	static struct watch watch = {finish};
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &term, NULL) < 0)
		fail("block signals", NULL);
	int fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || !loop_watch(fd, &watch, EPOLLIN | EPOLLET))
		fail("wait for a signal", NULL);
}

/* Nothing that reaches this process comes from the box: it waits for the end of pasta, or its own. */
static _Noreturn void serve_all(int parent)
{
	pasta_start(options.pasta, BOX);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		fail("open", "/dev/null");
	confine(CONFINE_RELAY, parent);
	let_go(null);
	if (write(READY, "", 1) != 1)
		report_give_up(STATUS_FAILED);
	close(READY);
	pasta_wait();
	_exit(STATUS_FAILED);
}

int main(int argc, char **argv)
{
	int parent = getppid();
	report_step(STEP_NETWORK);
	bool has_events = fill_descriptors();
	if (has_events)
		report_events_to(EVENTS);
	descriptor_close_range(EVENTS + 1, INT_MAX);
	signal(SIGPIPE, SIG_IGN);
	options_read(&options, argc, argv);
	if (options.pasta)
		serve_all(parent);
	int channel = run_child();
	count_connections();
	loop_open();
	event_set_up(has_events ? EVENTS : -1);
	publish_set_up(channel);
	for (size_t i = 0; i < options.published_count; i++)
		publish_listen(&options.published[i]);
	if (options.rules.count > 0)
		serve_box();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		fail("open", "/dev/null");
	watch_for_end();
	confine(CONFINE_RELAY, parent);
	let_go(null);
	if (write(READY, "", 1) != 1)
		report_give_up(STATUS_FAILED);
	close(READY);
	loop_run();
}
