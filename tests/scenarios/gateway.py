"""Programs outside, as a user runs them: gateway.py PROGRAM ROOT [CASE...]."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import PROGRAM, ROOT, LeftOut, bars_csv, case, checked, main, study, walras, write

CLIENT = ROOT / "scenarios" / "gateway_client.py"
INSIDE = {"name": "inside", "kind": "moving_average", "params": {"fast": 5, "slow": 20}}


def outside(*command, **params):
    return {"name": "outside", "kind": "gateway", "params": {"command": list(map(str, command)), "settings": {"fast": 5, "slow": 20}, "turn_timeout_s": 20, **params}}


def summary(folder, out="out"):
    return checked("summary", (folder / out / "summary.json").read_text())


def figures(strategy):
    """All that was measured of a strategy, but for what depends on its own random resamples."""
    return {sample: {name: told.get("estimate") for name, told in strategy[sample].items()} for sample in ("in_sample", "out_of_sample")}


def tables(folder, out="out"):
    """What both strategies did, simulation by simulation."""
    try:
        import h5py
    except ImportError as error:
        raise LeftOut("python3-h5py is not installed") from error
    with h5py.File(folder / out / "record.h5") as record:
        def read(name):
            found = {}
            record[name].visititems(lambda path, item: found.update({path: item[()].tolist()}) if isinstance(item, h5py.Dataset) else None)
            return found
        return read("inside"), read("outside")


@case
def shipped_scenario(folder):
    """scenarios/gateway.json: the rule inside and the Python program outside do the same to the last bit, on any number of threads"""
    hashes = set()
    for threads in (1, 2):
        walras("run", ROOT / "scenarios" / "gateway.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf", "--threads", threads)
        told = summary(folder)
        hashes.add(told["record_hash"])
        inside, program = told["strategies"]
        assert inside["out_of_sample"]["trades"]["estimate"] > 20, inside["out_of_sample"]["trades"]
        assert figures(inside) == figures(program), "figures differ"
        assert "cut_off" not in program
        one, two = tables(folder)
        assert one == two and len(one) > 20, sorted(one)
    assert len(hashes) == 1, hashes


@case
def awaited(folder):
    """Two strategies that wait at one address are served by one program with one connection, over several folds and threads; by a local socket too"""
    write(folder, "study.json", study(bars_csv(folder), strategies=[INSIDE, dict(outside(), params={"listen": "127.0.0.1:0", "settings": {"fast": 5, "slow": 20}})]))
    for listen in ("127.0.0.1:0", f"unix:{folder}/socket"):
        run = subprocess.Popen([PROGRAM, "run", "study.json", "--out", "out", "--ledger", "ledger.h5", "--set", f"/strategies/1/params/listen={listen}"], cwd=folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = run.stderr.readline()
        address = re.search(r"waiting for a program at (\S+)", said)
        assert address, said
        client = subprocess.run([sys.executable, CLIENT, address[1]], timeout=120)
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0 and client.returncode == 0, (run.returncode, client.returncode, err)
        inside, program = summary(folder)["strategies"]
        assert figures(inside) == figures(program)


BINARY = '''
import os, re, struct, sys
sys.path.insert(0, sys.argv[2])
import gateway_client as client

PAGE = open(sys.argv[1]).read()
messages = {}
for name, tag, table in re.findall(r"^### `(\\w+)`\\n\\n.*? Tag (\\d+)\\.\\n\\n((?:\\|.*\\n)+)", PAGE, re.M):
    rows = [[cell.strip() for cell in row.strip("|\\n").split(" | ")] for row in table.splitlines()[2:]]
    messages[int(tag)] = messages[name] = (name, int(tag), [(row[0].strip("`"), row[1], row[4]) for row in rows])

def scalar(kind, limits):
    if kind.startswith("`"): return "B", kind.replace("`", "").split(", ")
    if kind == "boolean": return "B", None
    if kind == "integer": return ("I" if limits.endswith(" to 4294967295") else "q"), None
    if kind == "number": return "d", None
    return kind, None

class Bytes:
    def __init__(self, data=b""): self.data, self.at = data, 0
    def take(self, form):
        value, = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value
    def text(self):
        size = self.take("I")
        self.at += size
        return self.data[self.at - size:self.at].decode()

def read(bytes, fields):
    told, i = {}, 0
    while i < len(fields):
        name, kind, limits = fields[i]
        i += 1
        if kind == "list of object":
            inner = []
            while i < len(fields) and fields[i][0].startswith(name + "[]."):
                inner.append((fields[i][0][len(name) + 3:],) + fields[i][1:])
                i += 1
            told[name] = [read(bytes, inner) for _ in range(bytes.take("I"))]
        elif kind.startswith("list of "):
            told[name] = [one(bytes, kind[8:], limits) for _ in range(bytes.take("I"))]
        else:
            told[name] = one(bytes, kind, limits)
    return told

def one(bytes, kind, limits):
    form, names = scalar(kind, limits)
    if form == "string": return bytes.text()
    if form == "any": return client.json.loads(bytes.text())
    value = bytes.take(form)
    return names[value] if names else bool(value) if kind == "boolean" else value

DEFAULTS = {"subscribe": {"client": "binary", "instruments": [], "levels": 10}}
def written(message):
    name, tag, fields = messages[message["type"]]
    body = bytes([tag])
    for field, kind, limits in fields:
        many = kind.startswith("list of ")
        kind = kind.removeprefix("list of ")
        form, names = scalar(kind, limits)
        value = message.get(field, DEFAULTS.get(name, {}).get(field))
        if value is None: value = {"order_type": "market", "peg": "primary"}.get(field, names[0] if names else 0)
        def put(item):
            if form == "string": return struct.pack("<I", len(item)) + item.encode()
            return struct.pack("<" + form, names.index(item) if names else item)
        body += struct.pack("<I", len(value)) + b"".join(map(put, value)) if many else put(value)
    return struct.pack("<I", len(body)) + body

class Line:
    """Frames to lines and back, so that the rest of the client need not know."""
    def __init__(self, socket): self.socket = socket
    def __enter__(self): return self
    def __exit__(self, *_): self.socket.close()
    def makefile(self, mode):
        stream = self.socket.makefile("rb")
        while head := stream.read(4):
            frame = Bytes(stream.read(struct.unpack("<I", head)[0]))
            name, _, fields = messages[frame.take("B")]
            told = read(frame, fields)
            assert frame.at == len(frame.data), (name, frame.at, len(frame.data))
            yield client.json.dumps({"type": name, **told})
    def sendall(self, lines):
        self.socket.sendall(b"".join(written(client.json.loads(line)) for line in lines.splitlines()))

connect = client.connect
client.connect = lambda address: Line(connect(address))
client.serve(client.MovingAverage)
'''


@case
def binary_from_the_page(folder):
    """A program that knows of the binary protocol only what docs/gateway.md says trades to the same bits"""
    write(folder, "binary.py", BINARY)
    program = outside("python3", "binary.py", ROOT / "docs" / "gateway.md", CLIENT.parent, protocol="binary")
    write(folder, "study.json", study(bars_csv(folder), strategies=[INSIDE, program], walk_forward={"train": 250, "test": 250, "warm_up": 60}))
    walras("run", "study.json", "--out", "out", "--ledger", "ledger.h5", folder=folder)
    inside, told = summary(folder)["strategies"]
    assert "cut_off" not in told and told["out_of_sample"]["trades"]["estimate"] > 0
    assert figures(inside) == figures(told)


HOSTILE = '''
import os, socket, sys, time
sys.path.insert(0, sys.argv[2])
import gateway_client as client
how = sys.argv[1]
if how == "never": time.sleep(60)
if how == "dies": sys.exit(9)
line = client.connect(os.environ["WALRAS_GATEWAY"])
if how == "second":
    line.recv(1)   # the first is taken in; a second finds nobody
    try:
        client.connect(os.environ["WALRAS_GATEWAY"])
    except OSError:
        sys.exit(7)
    sys.exit(8)
line.recv(1 << 20)
if how == "rubbish": line.sendall(bytes(range(256)) * 4)
if how == "endless":
    try:
        while True: line.sendall(b"x" * 100_000)
    except OSError: sys.exit(3)
if how == "trades":
    line.sendall(b'{"type": "subscribe", "protocol": 1}\\n{"type": "done", "turn": 1}\\n')
    line.recv(1 << 20)
    sys.exit(5)
time.sleep(60)
'''


@case
def cut_off(folder):
    """A program that stalls, dies or sends rubbish is cut off: warning, summary, verdict and exit code say so; the run goes on, and is over soon"""
    write(folder, "hostile.py", HOSTILE)
    prices = bars_csv(folder)
    for how, words in (("stalls", "expected done within 0.5 s of turn 1, was silence"), ("rubbish", "message:1:1"), ("endless", "message: expected at most 65536 bytes"),
                       ("dies", "it ended before it connected; the program ended with exit code 9"), ("never", "nobody connected to 127.0.0.1:"),
                       ("trades", "it closed the connection; the program ended with exit code 5"), ("second", "the program ended with exit code 7")):
        program = outside("python3", "hostile.py", how, CLIENT.parent, turn_timeout_s=0.5, connect_timeout_s=1 if how == "never" else 20)
        write(folder, "study.json", study(prices, strategies=[INSIDE, program], walk_forward={"train": 250, "test": 600, "warm_up": 60}))
        out, err = walras("run", "study.json", "--out", "out", "--ledger", f"{how}.h5", code=1, folder=folder, timeout=60)
        told = summary(folder)
        inside, program = told["strategies"]
        reasons = program["cut_off"]
        assert "cut_off" not in inside and inside["out_of_sample"]["trades"]["estimate"] > 0
        assert len(reasons) == 2 and all(words in reason for reason in reasons), (how, reasons)
        assert reasons[0].startswith("fold 1, in sample: cut off at ") and reasons[1].startswith("fold 1, out of sample: in an earlier simulation cut off at "), reasons
        assert "outside was cut off: fold 1, in sample: " in err and words in err, err
        judged = {one["name"]: one["judgement"] for one in told["verdict"]["strategies"]}
        assert judged["outside"] == "invalid" and judged["inside"] != "invalid", judged
        page = (folder / "out" / "report.html").read_text()
        assert "in an earlier simulation cut off at" in page


@case
def another_program_is_another_trial(folder):
    """The ledger takes a changed program for another trial, and the same one for the same"""
    (folder / "gateway_client.py").write_text(CLIENT.read_text())
    write(folder, "study.json", study(bars_csv(folder), strategies=[outside("python3", "gateway_client.py")], walk_forward={"train": 250, "test": 600, "warm_up": 60}))
    def recorded():
        walras("run", "study.json", "--out", "out", "--ledger", "ledger.h5", folder=folder)
        return summary(folder)["trials"]["recorded"]
    assert recorded() == 1 and recorded() == 1
    (folder / "gateway_client.py").write_text(CLIENT.read_text() + "# changed\n")
    assert recorded() == 2


@case
def mistakes_in_the_scenario(folder):
    """A program that is not there or may not be started, an address that cannot be and settings without effect are told by check and by run, with their place"""
    prices = bars_csv(folder)
    write(folder, "plain.py", "print()")
    (folder / "taken").mkdir()
    for program, where, words in ((outside("no-such-program-here"), "command/0", "was no-such-program-here: no folder of PATH holds it"),
                                  (outside("./none.py"), "command/0", "there is no ./none.py"), (outside("./plain.py"), "command/0", "may not be executed; chmod +x it"),
                                  (outside("plain.py"), "command/0", "for the one beside the scenario write ./plain.py"), (outside("./taken"), "command/0", "is a folder"),
                                  (outside(listen="example.com:80"), "listen", "expected HOST:PORT with a numeric host"),
                                  (outside(listen="unix:" + "x" * 120), "listen", "expected at most 107 bytes of path"),
                                  (outside("python3", speed=2), "speed", "expected none in lock_step")):
        write(folder, "study.json", study(prices, strategies=[program]))
        for command in (["check", "study.json"], ["run", "study.json", "--out", "out"]):
            err = walras(*command, code=3, folder=folder)[1]
            assert f"study.json:/strategies/0/params/{where}: expected" in err and words in err, err
    (folder / "plain.py").write_text(f"#!{sys.executable}\n")
    (folder / "plain.py").chmod(0o755)
    write(folder, "study.json", study(prices, strategies=[outside("./plain.py")]))
    walras("check", "study.json", folder=folder)
    # What only the system knows is told when it is asked, with the place too.
    write(folder, "study.json", study(prices, strategies=[outside(listen="unix:none/socket")]))
    walras("check", "study.json", folder=folder)
    err = walras("run", "study.json", "--out", "out", code=1, folder=folder)[1]
    assert "study.json:/strategies/0/params/listen: expected an address that can be listened at, was unix:none/socket" in err, err


if __name__ == "__main__":
    main()
