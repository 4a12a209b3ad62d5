"""
A world for nsbox-net: a network namespace that stands for the outside, with a resolver, a hosts file and servers at
public addresses on its loopback, and network namespaces that stand for boxes. It runs what its arguments name, and
prints a JSON object with what was seen. Nothing of it leaves these namespaces.

    world.py NSBOX-NET SCENARIO...
"""
import ctypes, errno, fcntl, json, os, resource, select, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWNET = 0x20000, 0x10000000, 0x40000000
PROGRAM = sys.argv[1]
WORLD = '93.184.216.34'
SECOND = '151.101.1.69'
DEAD = '151.101.65.69'
WORLD6 = '2606:2800:220:1::34'


def call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def new_user():
    uid, gid = os.getuid(), os.getgid()
    call(LIBC.unshare(NEWUSER))
    write('/proc/self/setgroups', 'deny')
    write('/proc/self/uid_map', f'0 {uid} 1')
    write('/proc/self/gid_map', f'0 {gid} 1')


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    call(LIBC.prctl(4, 1, 0, 0, 0))  # dumpable again: /proc/self is the user's


def ip(*words):
    subprocess.run(['ip', *words], check=True, stdout=subprocess.DEVNULL)


def name_bytes(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.') if label) + b'\0'


class Resolver:
    """Answers by a table, and notes what it was asked."""

    def __init__(self):
        self.asked, self.table = [], {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(2000)
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, (kind,) = '.'.join(labels), struct.unpack('>H', query[at + 1:at + 3])
            self.asked.append(name)
            family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
            found = self.table.get(name)
            records = [socket.inet_pton(family, a) for a in found or [] if family and (':' in a) == (kind == 28)]
            head = query[:2] + struct.pack('>5H', 0x8180 | (0 if found is not None else 3), 1, len(records), 0, 0)
            body = b''.join(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 0, len(r)) + r for r in records)
            self.socket.sendto(head + query[12:at + 5] + body, sender)


def serve(address, port, behave):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(4096)

    def accept():
        while True:
            connection, _ = server.accept()
            threading.Thread(target=behave, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def hello(connection):
    with connection:
        connection.sendall(b'hello')


def count(connection):
    """Answers with the number of bytes once all have come."""
    with connection:
        total = 0
        while data := connection.recv(65536):
            total += len(data)
        connection.sendall(str(total).encode())


def flood(connection):
    """Ends its direction first, and counts what comes after that."""
    with connection:
        connection.sendall(b'x' * (4 << 20))
        connection.shutdown(socket.SHUT_WR)
        total = 0
        while data := connection.recv(65536):
            total += len(data)
        counted.append(total)


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def reset_after(connection):
    connection.recv(1)
    reset(connection)


counted = []


class Box:
    def __init__(self, *words, user=False, limit=None, events=True, uid=None):
        came, done = os.pipe(), os.pipe()
        self.user, self.process, self.lines = user, os.fork(), []
        if self.process == 0:
            try:
                if uid:
                    become(uid)
                if user:
                    new_user()
                call(LIBC.unshare(NEWNET))
                ip('link', 'set', 'lo', 'up')
                os.write(came[1], b'.')
                os.dup2(done[0], 3)
                os.closerange(4, 1000)
                os.read(3, 1)
            finally:
                os._exit(0)
        os.close(came[1])
        os.close(done[0])
        self.hold = done[1]
        os.read(came[0], 1)
        os.close(came[0])
        directory = os.open(f'/proc/{self.process}', os.O_RDONLY | os.O_DIRECTORY)
        ready, self.events = os.pipe(), os.pipe()
        self.errors = tempfile.TemporaryFile()
        self.helper = os.fork()
        if self.helper == 0:
            try:
                if limit:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
                high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (ready[1], directory, self.events[1])]
                os.dup2(self.errors.fileno(), 2)
                for place, fd in enumerate(high[:2 + events], 3):
                    os.dup2(fd, place, inheritable=True)
                os.closerange(6 if events else 5, 400)
                if uid:
                    become(uid)
                os.execv(PROGRAM, ['nsbox-net', *words])
            finally:
                os._exit(99)
        for fd in (ready[1], directory, self.events[1]):
            os.close(fd)
        self.ready = os.read(ready[0], 1) == b'\0'
        os.close(ready[0])
        if not self.ready:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.helper, 0)[1])
            self.errors.seek(0)
            self.message = self.errors.read().decode()
            self.end()

    def begin(self, function, *words):
        """Runs FUNCTION in the box's network, in a process of its own. Returns its number, and where its result comes."""
        result = os.pipe()
        child = os.fork()
        if child:
            os.close(result[1])
            return child, result[0]
        try:
            for kind, flag in (('user', NEWUSER), ('net', NEWNET)):
                if kind == 'net' or self.user:
                    call(LIBC.setns(os.open(f'/proc/{self.process}/ns/{kind}', os.O_RDONLY), flag))
            os.write(result[1], json.dumps(function(*words)).encode())
        except BaseException as fault:
            os.write(result[1], json.dumps({'fault': repr(fault)}).encode())
        finally:
            os._exit(0)

    def inside(self, function, *words):
        """What FUNCTION returns in the box's network, as JSON."""
        child, result = self.begin(function, *words)
        with os.fdopen(result, 'rb') as file:
            text = file.read()
        os.waitpid(child, 0)
        return json.loads(text)

    def seen(self, wanted=1, seconds=5):
        """Events, at least so many unless that takes too long."""
        end = time.time() + seconds
        while len(self.lines) < wanted and select.select([self.events[0]], [], [], max(0, end - time.time()))[0]:
            self.lines += [json.loads(line) for line in os.read(self.events[0], 65536).decode().splitlines()]
        lines, self.lines = self.lines, []
        return lines

    def end(self, how=signal.SIGKILL):
        if self.ready:
            os.kill(self.helper, how)
            os.waitpid(self.helper, 0)
        os.close(self.hold)
        os.waitpid(self.process, 0)
        os.close(self.events[0])
        self.errors.close()


def query(name, kind=1, kind_class=1, flags=0x0100, more=b'', additional=0, questions=1, number=0x1234):
    head = struct.pack('>6H', number, flags, questions, 0, 0, additional)
    return head + (name if isinstance(name, bytes) else name_bytes(name)) + struct.pack('>HH', kind, kind_class) + more


def ask(packet, tcp=False, seconds=3):
    """The answer, or None if there is none in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as to:
        to.settimeout(seconds)
        to.connect(('198.18.0.1', 53))
        try:
            if not tcp:
                to.send(packet)
                return to.recv(4096)
            to.sendall(struct.pack('>H', len(packet)) + packet)
            with to.makefile('rb') as file:
                length = file.read(2)
                return file.read(struct.unpack('>H', length)[0]) if len(length) == 2 else None
        except (TimeoutError, ConnectionError):
            return None


def shown(answer, packet):
    """Code, number of answers, and the data of the first one."""
    if answer is None:
        return None
    (number, flags, questions, answers, _, additional) = struct.unpack('>6H', answer[:12])
    at = 12
    if questions:
        at = packet.index(b'\0', 12) + 5
        assert answer[12:at] == packet[12:at], 'the question is another one'
    assert number == 0x1234 and flags & 0x8000, 'not the answer to this'
    text = f'{flags & 15}'
    if answers:
        (kind, _, ttl, length) = struct.unpack('>HHIH', answer[at + 2:at + 12])
        data = answer[at + 12:at + 12 + length]
        at += 12 + length
        if kind in (1, 28):
            data = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, data)
        else:
            data = data.decode('latin1')
        text += f' {data} ttl {ttl}'
    if flags & 0x20:
        text += ' authentic'
    if additional:
        text += f' options {answer[at:at + 11].hex()}'
        at += 11
    assert at == len(answer), 'bytes behind the answer'
    return text


def look(name, kind=1, tcp=False, **how):
    packet = query(name, kind, **how)
    return shown(ask(packet, tcp), packet)


def address_of(name, kind=1):
    text = look(name, kind)
    return text.split(' ')[1] if text and ' ' in text else None


def error_of(fault):
    """A reset shows in whatever is tried next."""
    number = errno.ECONNRESET if fault.errno in (errno.EPIPE, errno.ENOTCONN) else fault.errno
    return errno.errorcode.get(number or 0, repr(fault))


def talk(address, port, data=b'', end=False, size=1 << 20):
    """What a server says, or the name of the error."""
    with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET) as to:
        to.settimeout(20)
        got = b''
        try:
            to.connect((address, port))
            to.sendall(data)
            if end:
                to.shutdown(socket.SHUT_WR)
            while len(got) < size and (part := to.recv(65536)):
                got += part
        except OSError as fault:
            return (got.decode() + ' ' if got else '') + error_of(fault)
        return got.decode()


def to_name(name, port, data=b'', end=False):
    return talk(address_of(name), port, data, end)


def outside():
    """Makes the world. Its files and addresses are of these namespaces alone."""
    if os.getuid() != 0:
        new_user()
    call(LIBC.unshare(NEWNS | NEWNET))
    call(LIBC.mount(None, b'/', None, 0x44000, None))
    ip('link', 'set', 'lo', 'up')
    for address in (WORLD, SECOND, DEAD):
        ip('addr', 'add', f'{address}/32', 'dev', 'lo')
    ip('addr', 'add', f'{WORLD6}/128', 'dev', 'lo', 'nodad')
    scratch = tempfile.mkdtemp()
    call(LIBC.mount(b'none', scratch.encode(), b'tmpfs', 0, b'mode=755'))
    files = {
        'resolv.conf': 'nameserver 127.0.0.1\n',
        'hosts': f'127.0.0.1 localhost\n{WORLD} in-hosts.test\n',
    }
    for name, text in files.items():
        write(f'{scratch}/{name}', text)
        call(LIBC.mount(f'{scratch}/{name}'.encode(), f'/etc/{name}'.encode(), None, 4096, None))
    return scratch


def run(name):
    """Runs a scenario in a world of its own."""
    import reaching_all, scenarios
    sys.modules['world'] = sys.modules['__main__']
    scratch = outside()
    try:
        return (getattr(scenarios, name, None) or getattr(reaching_all, name))()
    finally:
        LIBC.umount2(scratch.encode(), 2)
        os.rmdir(scratch)


def main():
    results = {}
    for name in sys.argv[2:]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, json.dumps(run(name)).encode())
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, 'rb') as file:
            text = file.read()
        os.waitpid(child, 0)
        results[name] = json.loads(text or '{}')
    print(json.dumps(results))


if __name__ == '__main__':
    main()
