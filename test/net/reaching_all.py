"""What world.py runs of boxes that reach all that their host does, by pasta."""
import fcntl, os, select, signal, socket, struct, time
from concurrent.futures import ThreadPoolExecutor

import world
from world import *

PASTA = '/usr/bin/pasta'
OWN = '192.0.2.2'
USER = 4242
BIND_TO_DEVICE = 25


def host(mode=0o666):
    """A device with the default route, as a machine has one, and servers on the loopback and outside of it."""
    ip('link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'out1')
    for device in ('out0', 'out1'):
        ip('link', 'set', device, 'up')
    ip('addr', 'add', f'{OWN}/24', 'dev', 'out0')
    ip('route', 'add', 'default', 'via', '192.0.2.1')
    ip('addr', 'add', '2001:db8:2::2/64', 'dev', 'out0', 'nodad')
    ip('-6', 'route', 'add', 'default', 'via', '2001:db8:2::1', 'dev', 'out0')
    call(LIBC.mount(b'none', b'/dev/net', b'tmpfs', 0, b'mode=755'))
    os.mknod('/dev/net/tun', 0o20600, os.makedev(10, 200))
    os.chmod('/dev/net/tun', mode)
    for address in (WORLD, WORLD6, OWN, '127.0.0.1', '::1'):
        serve(address, 80, hello)
        serve_datagrams(address, 80)
    serve_datagrams('127.0.0.1', 53)


def serve_datagrams(address, port):
    server = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))

    def answer():
        while True:
            data, sender = server.recvfrom(2000)
            server.sendto(data + b' from ' + address.encode(), sender)

    threading.Thread(target=answer, daemon=True).start()


def send(address, port=80, device=None, seconds=1):
    """The answer to a datagram, or the name of the error."""
    with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM) as to:
        to.settimeout(seconds)
        try:
            if device:
                to.setsockopt(socket.SOL_SOCKET, BIND_TO_DEVICE, device.encode() + b'\0')
            to.sendto(b'x', (address, port))
            return to.recv(2000).decode()
        except TimeoutError:
            return 'no answer'
        except OSError as fault:
            return error_of(fault)


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def forged():
    """
    Packets to loopback addresses past the box's own routes, as a process with CAP_NET_RAW makes them: whether one is
    answered. Addresses of IPv4 are sent as such, and within IPv6.
    """
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind(('eth0', 0))
    own = fcntl.ioctl(wire.fileno(), 0x8927, struct.pack('256s', b'eth0'))[18:24]
    to = bytes.fromhex('026e73626f01')
    four = lambda text: socket.inet_aton(text)
    six = lambda text: socket.inet_pton(socket.AF_INET6, text)
    targets = [('127.0.0.1', '198.18.0.2'), (WORLD, '198.18.0.2'), *((text, 'fd6e:7362:6f78::2') for text in (
        '::1', '::ffff:127.0.0.1', '::127.0.0.1', WORLD6))]
    for target, source in targets:
        family = socket.AF_INET6 if ':' in target else socket.AF_INET
        source, target = socket.inet_pton(family, source), socket.inet_pton(family, target)
        segment = struct.pack('>HHIIBBHHH', 44444, 80, 1000, 0, 5 << 4, 2, 65535, 0, 0)
        pseudo = source + target + struct.pack('>IHBB', len(segment), 0, 0, 6)
        segment = segment[:16] + struct.pack('>H', checksum(pseudo + segment)) + segment[18:]
        if family == socket.AF_INET:
            head = struct.pack('>BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + source + target
            packet = b'\x08\x00' + head[:10] + struct.pack('>H', checksum(head)) + head[12:]
        else:
            packet = b'\x86\xdd' + struct.pack('>IHBB', 6 << 28, len(segment), 6, 64) + source + target
        wire.send(to + own + packet + segment)
    # Answers from outside show that the others would have come by then.
    answered, end = set(), time.time() + 10
    while select.select([wire], [], [], max(0, end - time.time()))[0]:
        frame = wire.recv(70000)
        if frame[:6] == own and frame[12:14] == b'\x08\x00':
            answered.add(socket.inet_ntop(socket.AF_INET, frame[26:30]))
        elif frame[:6] == own and frame[12:14] == b'\x86\xdd' and frame[20] == 6:
            answered.add(socket.inet_ntop(socket.AF_INET6, frame[22:38]))
        if {WORLD, WORLD6} <= answered:
            end = min(end, time.time() + 1)
    return sorted(answered)


def reached():
    """What a box reaches, each way. All are tried at once: what isn't answered takes a second."""
    ways = {
        'outside': [(talk, WORLD, 80), (talk, WORLD6, 80)],
        'datagrams': [(send, WORLD, 80, None, 10), (send, WORLD6, 80, None, 10)],
        'names': [(send, '198.18.0.1', 53, None, 10)],
        'loopback': [(talk, '127.0.0.1', 80), (talk, '::1', 80)],
        'own': [(talk, OWN, 80), (send, OWN)],
        'bound': [(send, address, 80, 'eth0') for address in ('127.0.0.1', '127.0.0.2', '::1', '::ffff:127.0.0.1')],
        'gateway': [(talk_soon, '192.0.2.1'), (send, '192.0.2.1')],
    }
    with ThreadPoolExecutor(20) as pool:
        tried = {way: [pool.submit(*call) for call in calls] for way, calls in ways.items()}
        return {way: [call.result() for call in calls] for way, calls in tried.items()}


def talk_soon(address):
    with socket.socket() as to:
        to.settimeout(1)
        try:
            to.connect((address, 80))
            return to.recv(100).decode()
        except TimeoutError:
            return 'no answer'
        except OSError as fault:
            return error_of(fault)


def as_root():
    """The caller is root, whose /dev/net/tun nobody else may open; the box has no user namespace."""
    host(0o600)
    return seen_in(Box('--pasta', PASTA))


def as_user():
    """The caller is an ordinary user."""
    host()
    return seen_in(Box('--pasta', PASTA, user=True, uid=USER))


def as_root_of_users():
    """The caller is root, and the box has a user namespace of root's."""
    host(0o600)
    return seen_in(Box('--pasta', PASTA, user=True))


def seen_in(box):
    if not box.ready:
        return {'message': box.message}
    try:
        return {**box.inside(reached), 'forged': box.inside(forged), 'pasta': pasta_of(box)}
    finally:
        box.end()


def pasta_of(box):
    """What pasta is: its user, and whether it has a filter of calls."""
    with open(f'/proc/{box.helper}/task/{box.helper}/children') as file:
        numbers = file.read().split()
    status = dict(line.split(':\t') for line in open(f'/proc/{numbers[0]}/status').read().splitlines())
    return {'count': len(numbers), 'uid': status['Uid'].split()[1], 'filter': status['Seccomp']}


def ends():
    """Who ends with whom: pasta with nsbox-net, and nsbox-net with pasta."""
    host()
    found = []
    for victim in ('helper', 'pasta'):
        box = Box('--pasta', PASTA)
        if not box.ready:
            return {'message': box.message}
        with open(f'/proc/{box.helper}/task/{box.helper}/children') as file:
            pasta = int(file.read())
        watched = os.pidfd_open(pasta if victim == 'helper' else box.helper)
        os.kill(box.helper if victim == 'helper' else pasta, signal.SIGKILL)
        found.append(bool(select.select([watched], [], [], 10)[0]))
        devices = box.inside(lambda: sorted(os.listdir('/sys/class/net')) and [name for _, name in socket.if_nameindex()])
        end = time.time() + 10
        while 'eth0' in devices and time.time() < end:
            devices = box.inside(lambda: [name for _, name in socket.if_nameindex()])
        found.append(devices)
        box.end()
    return {'ended': found}


def refusals():
    """Each a line that says what is missing."""
    host(0o600)
    scratch = tempfile.mkdtemp()
    said = {}

    def start(name, program, **how):
        box = Box('--pasta', program, **how)
        said[name] = 'ready' if box.ready else [box.status, box.message.replace(scratch, 'DIR')]
        if box.ready:
            box.end()

    def script(name, text, mode=0o755):
        path = f'{scratch}/{name}'
        write(path, text)
        os.chmod(path, mode)
        return path

    os.chmod(scratch, 0o755)
    start('missing', '/usr/bin/no-such-pasta')
    start('relative', 'pasta')
    start('writable', script('writable', '#!/bin/sh\n', 0o777))
    os.mkdir(f'{scratch}/open')
    os.chmod(f'{scratch}/open', 0o777)
    start('directory', script('open/pasta', '#!/bin/sh\n'))
    start('silent', script('silent', '#!/bin/sh\nexit 3\n'))
    start('tun', PASTA, user=True, uid=USER)
    ip('link', 'del', 'out0')
    start('offline', PASTA)
    for path in ('writable', 'silent', 'open/pasta'):
        os.unlink(f'{scratch}/{path}')
    os.rmdir(f'{scratch}/open')
    os.rmdir(scratch)
    return said
