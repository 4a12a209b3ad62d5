"""What world.py runs: each function returns what was seen."""
import errno, os, signal, socket, ssl, struct, time

import world
from world import *


def answers():
    """Answers of the resolver, by kind of query."""
    box = Box('--allow', 'one.test:443', '--allow', 'a.b.two.test:80', '--allow', '*.wild.test:443')
    option = b'\0' + struct.pack('>HHIH', 41, 4096, 0, 0)
    names = ['one.test', 'ONE.tEsT', 'two.test', 'b.two.test', 'test', 'x.one.test', 'wild.test', 'x.wild.test',
             'y.x.wild.test', 'other.test', 'localhost', 'x.localhost', 'one.test.evil.test', 'xone.test',
             '0x7f.1', '1.2.3.4', 'a b.wild.test', '_dmarc.wild.test', '']

    def inside():
        def raw(packet, tcp=False):
            return shown(ask(packet, tcp, 0.3), packet)

        long = '.'.join(['a' * 63] * 3 + ['b' * 61])
        compressed = struct.pack('>6H', 0x1234, 0x0100, 1, 0, 0, 0) + b'\xc0\x0c\0\1\0\1'
        wide = struct.pack('>6H', 0x1234, 0x0100, 1, 0, 0, 0) + b'\x40' + b'a' * 64 + b'\0\0\1\0\1'
        return {
            'names': {name: look(name) for name in names},
            'kinds': {str(kind): look('one.test', kind) for kind in (28, 2, 5, 6, 15, 16, 33, 43, 64, 65, 255, 257)},
            'tcp': [look('one.test', tcp=True), look('other.test', tcp=True)],
            'reverse': {name: look(name, 12) for name in (
                '1.0.19.198.in-addr.arpa', '1.0.0.127.in-addr.arpa', '1.0.18.198.in-addr.arpa', '8.8.8.8.in-addr.arpa',
                '01.0.19.198.in-addr.arpa', '0.' * 31 + '1.ip6.arpa', '.'.join(reversed('fd6e73626f78000100000000000000'
                '01')) + '.ip6.arpa')},
            'options': raw(query('one.test', more=option, additional=1)),
            'version': raw(query('one.test', more=b'\0' + struct.pack('>HHIH', 41, 4096, 1 << 16, 0), additional=1)),
            'cookie': raw(query('one.test', more=b'\0' + struct.pack('>HHIH', 41, 4096, 0, 12) + b'\0\x0a\0\x08' + b'c' * 8,
                                additional=1)),
            'authentic': raw(query('one.test', flags=0x0130)),
            'chaos': raw(query('version.bind', 16, 3)),
            'longest': raw(query(long)),
            'evil': {
                'empty': raw(b''), 'short': raw(query('one.test')[:20]), 'header': raw(query('one.test')[:12]),
                'an answer': raw(query('one.test', flags=0x8180)), 'update': raw(query('one.test', flags=0x2900)),
                'truncated': raw(query('one.test', flags=0x0300)), 'compressed': raw(compressed), 'wide label': raw(wide),
                'no question': raw(struct.pack('>6H', 0x1234, 0x0100, 0, 0, 0, 0)),
                'two questions': raw(query('one.test', questions=2) + query('one.test')[12:])[:1],
                'no end': raw(query('one.test', more=option[:-4], additional=1))[:1],
                'two options': raw(query('one.test', more=option * 2, additional=2))[:1],
                'many records': raw(query('one.test', more=option, additional=60000))[:1],
                'tcp, too long': raw(b'x' * 5000, True), 'tcp, empty': raw(b'', True),
            },
            'after': look('one.test'),
        }
    try:
        seen = box.inside(inside)
        return {**seen, 'events': box.seen(7)}
    finally:
        box.end()


def connections():
    """Connections to allowed names, and what comes back."""
    resolver = Resolver()
    resolver.table |= {'one.test': [WORLD], 'six.test': [WORLD6, SECOND], 'dead.test': [DEAD, DEAD[:-1] + '8'],
                       'half.test': [DEAD, WORLD6, WORLD]}
    for address in (WORLD, WORLD6):
        serve(address, 80, hello)
        serve(address, 81, count)
        serve(address, 82, flood)
        serve(address, 83, reset_after)
        serve(address, 84, echo)
    serve(SECOND, 80, hello)
    names = ['one', 'six', 'dead', 'half', 'gone']
    rules = [word for name in names for port in range(80, 85) for word in ('--allow', f'{name}.test:{port}')]
    box = Box(*rules, '--allow', 'in-hosts.test:80', user=True)

    def inside():
        with socket.create_connection((address_of('one.test'), 82)) as to:
            got = 0
            while part := to.recv(65536):
                got += len(part)
            to.sendall(b'y' * 3010)
        return {
            'hello': to_name('one.test', 80), 'by IPv6': talk(address_of('one.test', 28), 80),
            'a hosts file': to_name('in-hosts.test', 80), 'a server of IPv6': to_name('six.test', 80),
            'the second address': to_name('half.test', 80), 'end, then answer': to_name('one.test', 81, b'x' * 3010, True),
            'server ends first': got, 'reset by the server': to_name('one.test', 83, b'x'),
            'nobody listens': to_name('dead.test', 80), 'no such name': to_name('gone.test', 80),
            'a port nobody allows': to_name('one.test', 8080), 'a port of the resolver': to_name('one.test', 53),
            'outside': [talk(address, 80) for address in (WORLD, '169.254.169.254', '8.8.8.8', WORLD6)],
            'an address of no name': talk('198.19.200.1', 80), 'the resolver': talk('198.18.0.1', 80),
            'udp': udp(),
        }

    def udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.settimeout(0.2)
            to.connect((address_of('one.test'), 80))
            try:
                to.send(b'x')
                return to.recv(10).decode()
            except OSError as fault:
                return errno.errorcode.get(fault.errno or 0, 'timeout')

    def many():
        held = [socket.create_connection((address_of('one.test'), 84)) for _ in range(int(os.environ.get('NSBOX_TEST_CONNECTIONS', 300)))]
        for number, to in enumerate(held):
            to.sendall(b'%d' % number)
        return sum(to.recv(20) == b'%d' % number for number, to in enumerate(held)) == len(held)

    def bulk():
        """Both directions at once, by one connection."""
        with socket.create_connection((address_of('one.test'), 84)) as to:
            size, sent, got = 16 << 20, 0, 0
            to.setblocking(False)
            block = bytes(range(256)) * 256
            while got < size:
                reads, writes, _ = select.select([to], [to] if sent < size else [], [])
                if writes:
                    at = sent % len(block)
                    sent += to.send(block[at:at + size - sent])
                if reads:
                    part = to.recv(1 << 16)
                    at = got % len(block)
                    if part != (block + block)[at:at + len(part)]:
                        return f'other bytes at {got}'
                    got += len(part)
            return 'equal'

    try:
        seen = box.inside(inside)
        events = box.seen(12)
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
        seen |= {'events': events, 'many': box.inside(many), 'bulk': box.inside(bulk)}
        return {**seen, 'counted': counted, 'asked': sorted(set(resolver.asked))}
    finally:
        box.end()


def ranges():
    """Answers of the outside that nobody asked for."""
    resolver = Resolver()
    private = {
        'loopback': '127.0.0.1', 'loopback6': '::1', 'private': '10.0.0.1', 'private2': '172.16.0.1',
        'private3': '192.168.0.1', 'metadata': '169.254.169.254', 'nat': '100.64.0.1', 'zero': '0.0.0.0',
        'multicast': '224.0.0.1', 'broadcast': '255.255.255.255', 'benchmark': '198.18.0.1', 'mapped': '::ffff:127.0.0.1',
        'nat64': '64:ff9b::7f00:1', 'sixtofour': '2002:7f00:1::', 'local': 'fd00::1', 'link': 'fe80::1',
        'compatible': '::7f00:1',
    }
    resolver.table |= {f'{name}.test': [address] for name, address in private.items()}
    resolver.table['mixed.test'] = ['10.0.0.1', WORLD]
    serve(WORLD, 80, hello)
    serve('127.0.0.1', 80, hello)
    serve('::1', 80, hello)
    names = [*private, 'mixed']
    rules = [word for name in names for word in ('--allow', f'{name}.test:80')]
    result = {}
    for words in ([], ['--allow-private']):
        box = Box(*rules, *words)
        try:
            seen = box.inside(lambda: {name: to_name(f'{name}.test', 80) for name in names if not words or name in (
                'loopback', 'loopback6', 'mapped', 'zero', 'mixed', 'broadcast')})
            result['allowed' if words else 'refused'] = seen
            events = {event['host']: event.get('range') for event in box.seen(len(seen))}
            if not words:
                result['ranges'] = events
                resolver.asked.clear()
                box.inside(lambda: [look(f'{name}.evil.test') for name in ('secret', 'x')] + [
                    talk('198.19.0.200', 80), to_name('loopback.test', 81)])
                time.sleep(0.2)
                result['asked'] = resolver.asked[:]
        finally:
            box.end()
    return result


def literals():
    """Addresses that are allowed as such."""
    for address in (WORLD, WORLD6):
        serve(address, 80, hello)
    box = Box('--allow', f'{WORLD}:80', '--allow', f'[{WORLD6}]:80', '--allow', f'{WORLD}:81', user=True)
    try:
        seen = box.inside(lambda: [talk(WORLD, 80), talk(WORLD6, 80), talk(WORLD6, 81), talk(SECOND, 80), look('one.test')])
        return {'seen': seen, 'events': box.seen(4)}
    finally:
        box.end()


def wildcards():
    """Names on demand: each has an address of its own, and there are no more than 4096."""
    resolver = Resolver()
    serve(WORLD, 80, hello)
    serve(WORLD, 443, hello)
    resolver.table |= {'a.wild.test': [WORLD], 'b.wild.test': [SECOND], 'c.b.wild.test': [WORLD]}
    box = Box('--allow', '*.wild.test:80', '--allow', 'a.wild.test:443')

    def inside():
        first = address_of('a.wild.test')
        seen = [to_name('a.wild.test', 80), to_name('a.wild.test', 443), to_name('c.b.wild.test', 80), to_name('c.b.wild.test', 443)]
        found = [address_of(f'n{number}.wild.test') for number in range(5000)]
        given = [address for address in found if address]
        return {
            'seen': seen, 'given': len(given), 'different': len({first, *given}), 'same': address_of('a.wild.test') == first,
            'last': look('n4999.wild.test'), 'ends': sorted({int(a.split('.')[3]) for a in given} & {0, 255}),
        }
    try:
        seen = box.inside(inside)
        return {**seen, 'events': [event for event in box.seen(5) if event['event'] == 'resolve'], 'asked': sorted(set(resolver.asked))}
    finally:
        box.end()


def tls():
    """--check-sni: the first bytes decide."""
    resolver = Resolver()
    resolver.table |= {'one.test': [WORLD], 'two.test': [WORLD]}
    serve(WORLD, 443, echo)
    box = Box('--allow', 'one.test:443', '--allow', 'two.test:443', '--allow', f'{WORLD}:443', '--check-sni')

    def greeting(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        out = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
        except ssl.SSLWantReadError:
            return out.read()

    def sent(address, pieces, end=True):
        got = b''
        with socket.socket() as to:
            to.settimeout(5)
            try:
                to.connect((address, 443))
                for piece in pieces:
                    to.sendall(piece)
                    if len(pieces) > 1:
                        time.sleep(0.02)
                if end:
                    to.shutdown(socket.SHUT_WR)
                while part := to.recv(65536):
                    got += part
            except OSError as fault:
                return error_of(fault)
        return 'all' if got == b''.join(pieces) else f'{len(got)} bytes'

    def inside():
        one, two = greeting('one.test'), greeting('two.test')
        at = address_of('one.test')
        record = one[5:]
        split = [b'\x16\3\1' + struct.pack('>H', len(part)) + part for part in (record[:3], record[3:90], record[90:])]
        return {
            'right': sent(at, [one]), 'upper case': sent(at, [greeting('ONE.test')]), 'another': sent(at, [two]),
            'none': sent(at, [greeting(None)]), 'plain': sent(at, [b'GET / HTTP/1.1\r\nHost: one.test\r\n\r\n']),
            'bytes': sent(at, [one[:1], one[1:7], one[7:100], one[100:]]), 'records': sent(at, split),
            'no more': sent(at, [one[:100]]), 'nothing': sent(at, [b'']),
            'an address': sent(WORLD, [greeting(None)]), 'a name for an address': sent(WORLD, [one]),
        }
    try:
        seen = box.inside(inside)
        return {**seen, 'events': sum(event.get('reason') == 'sni' for event in box.seen(11)), 'asked': sorted(set(resolver.asked))}
    finally:
        box.end()


def published():
    """Ports of the host that lead into the box."""
    box = Box('--publish', '127.0.0.1:8080:80', '--publish', f'{WORLD}:8081:81', '--publish', '[::1]:8082:82', user=True)
    ready = os.pipe()

    def inside():
        serve('127.0.0.1', 80, echo)
        serve('::1', 81, hello)
        os.write(ready[1], b'.')
        time.sleep(60)

    server, _ = box.begin(inside)
    os.read(ready[0], 1)
    try:
        seen = {
            'echo': talk('127.0.0.1', 8080, b'abc', True), 'another address': talk(WORLD, 8080), 'by IPv6': talk(WORLD, 8081),
            'nobody listens': talk('::1', 8082), 'links': box.inside(lambda: os.listdir('/proc/self/net/dev_snmp6')),
        }
        taken = Box('--publish', '127.0.0.1:8080:80')
        return {**seen, 'taken': [taken.status, taken.message], 'events': box.seen(3)}
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        box.end()


def settled_descriptors(number):
    """What a process has open. One that was just made gives standard error up a moment later than the first one is ready."""
    for _ in range(200):
        names = sorted({os.readlink(f'/proc/{number}/fd/{fd}').split(':')[0] for fd in os.listdir(f'/proc/{number}/fd')})
        if not any(name.startswith('/') and name != '/dev/null' for name in names):
            break
        time.sleep(0.01)
    return names


def scarcity():
    """More connections than descriptors: the others wait, and nothing spins meanwhile."""
    resolver = Resolver()
    resolver.table['one.test'] = [WORLD]
    serve(WORLD, 84, echo)
    box = Box('--allow', 'one.test:84', limit=128)

    def inside():
        at = address_of('one.test')
        held = [socket.create_connection((at, 84)) for _ in range(200)]
        for to in held:
            to.settimeout(10)
            to.sendall(b'x')
        before, waiting = time_of(), time.time()
        time.sleep(0.5)
        used, waited = time_of() - before, time.time() - waiting
        answered = 0
        # Each that ends lets another one in.
        for to in held:
            answered += to.recv(1) == b'x'
            to.close()
        return {'answered': answered, 'spins': used > waited / 2, 'after': talk(at, 84, b'y', True)}

    def time_of():
        with open(f'/proc/{box.helper}/stat') as file:
            words = file.read().rsplit(')')[-1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')

    try:
        return box.inside(inside)
    finally:
        box.end()


def processes_of(parent):
    with open(f'/proc/{parent}/task/{parent}/children') as file:
        children = [int(word) for word in file.read().split()]
    return [parent, *(number for child in children for number in processes_of(child))]


def alive(numbers):
    """Those that run, and aren't zombies that nobody has reaped yet."""
    found = []
    for number in numbers:
        try:
            with open(f'/proc/{number}/stat') as file:
                if file.read().rsplit(')')[-1].split()[0] != 'Z':
                    found.append(number)
        except OSError:
            pass
    return found


def confined():
    """What the processes are, and that none stays when the first one is killed."""
    box = Box('--allow', 'one.test:80', '--publish', '127.0.0.1:8080:80', user=True)
    try:
        numbers = processes_of(box.helper)
        seen = []
        for number in numbers:
            with open(f'/proc/{number}/status') as file:
                status = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
            names = settled_descriptors(number)
            seen.append({
                'capabilities': int(status['CapEff'], 16) | int(status['CapPrm'], 16), 'filter': status['Seccomp'],
                'new privileges': status['NoNewPrivs'], 'user': status['Uid'].split('\t')[0], 'groups': status['Groups'].strip(),
                'descriptors': names,
            })
        before = box.inside(lambda: os.listdir('/proc/self/net/dev_snmp6'))
        os.kill(box.helper, signal.SIGKILL)
        os.waitpid(box.helper, 0)
        box.ready = False
        for _ in range(500):
            left = alive(numbers)
            after = box.inside(lambda: os.listdir('/proc/self/net/dev_snmp6'))
            if not left and after == ['lo']:
                break
            time.sleep(0.01)
        return {'processes': seen, 'before': sorted(before), 'left': len(left), 'after': after}
    finally:
        box.end()


def starts():
    """Many starts, one after the other and some at once: nothing of them stays."""
    count = int(os.environ.get('NSBOX_TEST_STARTS', 20))
    namespaces = lambda: len(subprocess.run(['lsns', '-n', '-t', 'net', '-o', 'NS'], capture_output=True, text=True).stdout.split())
    helpers, at_once = [], 10
    first = []
    for _ in range(0, count, at_once):
        boxes = [Box('--allow', 'one.test:443', user=True) for _ in range(at_once)]
        first += [box.inside(look, 'one.test') for box in boxes]
        for box in boxes:
            helpers += processes_of(box.helper)
            box.end()
    for _ in range(500):
        if not alive(helpers):
            break
        time.sleep(0.01)
    return {'first': sorted(set(first)), 'left': len(alive(helpers))}


def faults():
    """What it says when it can't start."""
    def refused(*words):
        box = Box(*words)
        if box.ready:
            box.end()
            return 'started'
        return [box.status, box.message]
    words = {
        'no port': 'one.test', 'port 0': 'one.test:0', 'a large port': 'one.test:65536', 'a port in octal': 'one.test:0443',
        'every name': '*:443', 'a star within': 'a.*.test:443', 'two stars': '*.*.test:443', 'a star in a word': 'a*.test:443',
        'hexadecimal': '0x7f.1:80', 'two numbers': '1.2:80', 'a number': '2130706433:80', 'octal': '0177.0.0.1:80',
        'mapped': '[::ffff:1.2.3.4]:80', 'a user': 'user@one.test:80', 'a path': 'one.test/x:80', 'a URL': 'https://one.test:443',
        'an empty part': 'a..test:80', 'two dots': 'one.test..:80', 'not ASCII': 'bücher.test:80', 'a blank': 'a b.test:80',
        'a long part': 'a' * 64 + '.test:80', 'a long name': '.'.join(['a' * 63] * 4) + '.test:80', 'nothing': ':80',
        'localhost': 'localhost:80', 'below localhost': '*.localhost:80', 'loopback': '127.0.0.1:80', 'loopback6': '[::1]:80',
        'private': '10.0.0.1:80', 'link-local': '[fe80::1]:80', 'own range': '198.18.0.1:80', 'IPv6 without brackets': '2606::1:80',
        'a zone': '[2606::1%lo]:80', 'multicast': '224.0.0.1:80', 'no colon': '443',
    }
    seen = {name: refused('--allow', word) for name, word in words.items()}
    seen['private, allowed'] = refused('--allow', '10.0.0.1:80', '--allow-private')
    seen['one dot at the end'] = refused('--allow', 'ONE.test.:80')
    seen['unknown'] = refused('--allow-hosts', 'x')
    seen['no value'] = refused('--allow')
    seen |= {name: refused('--publish', word) for name, word in {
        'publish: no address': '8080:80', 'publish: no port': '127.0.0.1:80', 'publish: a name': 'one.test:80:80',
        'publish: port 0': '127.0.0.1:0:80', 'publish: not here': '192.0.2.1:80:80'}.items()}
    return seen


def oneself():
    """Without a network of the box's own."""
    net = os.open('/proc/self', os.O_RDONLY | os.O_DIRECTORY)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 2)
        os.dup2(os.open('/dev/null', os.O_WRONLY), 3, inheritable=True)
        os.dup2(os.open('/proc/self', os.O_RDONLY), 4, inheritable=True)
        os.execv(PROGRAM, ['nsbox-net', '--allow', 'one.test:80'])
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text]


def unread():
    """Events that nobody reads: they are counted, and nothing waits for them."""
    resolver = Resolver()
    resolver.table['one.test'] = [WORLD]
    serve(WORLD, 80, hello)
    box = Box('--allow', 'one.test:80')

    def inside():
        for number in range(1500):
            ask(query(f'n{number}.evil.test'), seconds=3)
        return [to_name('one.test', 80), look('one.test')]

    try:
        seen = box.inside(inside)
        before = len(box.seen(10000, 0.5))
        box.inside(lambda: to_name('one.test', 80))
        after = box.seen(2)
        return {'seen': seen, 'counted': before + sum(event.get('count', 0) for event in after), 'kinds': [event['event'] for event in after]}
    finally:
        box.end()
