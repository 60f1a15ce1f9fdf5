"""Files made to break a reader, for every target: small, and each a lie about what it holds."""

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Iterator

import numpy as np

from tests.fuzz.hostile_mat import hostile_mats

HUGE = 2**31 - 1
Files = dict[str, bytes]


def hostile_files(target: str, quick: bool = False) -> Iterator[tuple[str, Files]]:
    """Give names and contents of files that the reader of a target should refuse, or survive.

    If it is to be `quick`, one large file of each kind is made.
    """
    if target in ("variable", "dreamer", "mat"):
        name = b"ecg" if target == "mat" else b"DREAMER"
        for told, content in hostile_mats(name, quick):
            yield told, {"a.mat": content}
    elif target in ("csv", "txt"):
        for told, content in texts():
            yield told, {f"a.{target}": content}
    elif target in ("edf", "bdf"):
        for told, content in edfs(target == "bdf"):
            yield told, {f"a.{target}": content}
    elif target == "npy":
        for told, content in npys():
            yield told, {"a.npy": content}
    elif target in ("npz", "arrays", "extract", "windows", "encoder"):
        for told, content in npzs(quick):
            yield told, {"a.npz": content}
    elif target in ("wfdb", "records"):
        yield from records()
    elif target == "poly5":
        yield from ((told, {"a.S00": content}) for told, content in poly5s())
    elif target == "workbook":
        yield from ((told, {"a.xlsx": content}) for told, content in workbooks(quick))
    elif target == "beats":
        yield from ((told, {"a.atr": content}) for told, content in annotations())
    elif target == "table":
        yield from ((told, {"a.csv.gz": content}) for told, content in tables(quick))
    elif target == "torch":
        yield from ((told, {"a.pt": content}) for told, content in torches())
    if target == "encoder":
        yield from ((told, {"a.npz": content}) for told, content in encoders())


def texts() -> Iterator[tuple[str, bytes]]:
    long, rows = b"1" * 60_000, b"0.5,1.5\n" * 100
    yield "nothing but line breaks", b"\n" * 500_000
    yield "nothing but commas", b"," * 60_000 + b"\n"
    yield "lines of commas", (b"," * 2000 + b"\n") * 200
    yield "30000 columns", (b"1," * 30_000 + b"\n") * 2
    yield "a million columns in the second line", b"1,2\n" + b"1," * 1_000_000 + b"\n"
    yield "a long first line", b"1" * 1_000_000
    yield "a long second line", b"1.5\n" + b"2" * 3_000_000 + b"\n" + b"1\n" * 100
    yield "a long number", long + b"\n1\n2\n"
    yield "a long number and a letter", long + b"x\n1\n2\n"
    yield "a long number and a letter, in rows", rows + long + b"x,1\n" + rows
    yield "long numbers with a comma", b"a;b\n" + long + b"," + long + b"x;1\n1;2\n"
    for mark in (b"(", b"[", b" ", b"_", b"a (", b"t", b"time ", b'"', b"'", b"\t", b"\xc2\xb5"):
        name = mark * (60_000 // len(mark))
        yield f"a name of nothing but {mark!r}", name + b"," + b"I\n" + rows
        yield f"a single name of {mark!r}", name + b"\n" + b"0.5\n0.7\n0.6\n" * 100
    yield "a quote that never ends", b'I,II\n1,"2\n' + rows * 5000
    yield "a quote that never ends at first", b'"I,II\n' + rows * 50
    yield "infinities", b"I\n" + b"1e999\n-1e999\n" * 1000
    yield "many digits", b"I\n" + (b"0." + b"3" * 300 + b"\n") * 5000
    yield "nul bytes", b"1,2\n3,4\n" + bytes(100_000)
    yield "nul bytes late", b"1,2\n3,4\n" * 20_000 + bytes(100_000)
    yield "half of UTF-16", b"\xff\xfe" + "1,2\n".encode("utf-16-le") * 500 + b"1"
    yield "lone surrogates", b"\xff\xfe" + b"\x00\xd8" * 2000 + "\n1\n2\n".encode("utf-16-le")
    yield "words", b"word\n" * 100_000
    yield "other words", b"I,II\n" + b"".join(b"1,word%d\n" % i for i in range(100_000))
    yield "times that stand still", b"time,I\n" + b"0,1\n" * 10_000
    yield "times of all kinds", b"time,I\n" + b"10:00:00,1\n99:99,2\nnoon,3\n" * 1000
    yield "times of many parts", b"time,I\n0:1,1\n" + b":".join([b"1"] * 20_000) + b",1\n"
    yield "times far off", b"time,I\n" + b"".join(b"%de300,1\n" % i for i in range(1, 1000))
    yield "dates far off", b"time,I\n" + b"9999-12-31 23:59:59.9,1\n0001-01-01 00:00,2\n" * 1000
    yield "units and more units", b"I\n" + b"mV\n" * 1000 + b"1\n2\n"


def edfs(bdf: bool) -> Iterator[tuple[str, bytes]]:
    first, width = (b"\xffBIOSEMI", 3) if bdf else (b"0       ", 2)

    def header(n_signals=1, n_records=1, duration=b"1", counts=None, size=None, body=None) -> bytes:
        shown = max(0, min(int(n_signals), 9999))
        counts = counts or [b"50"] * shown
        size = 256 * (shown + 1) if size is None else size
        parts = [first, b"X".ljust(80), b"X".ljust(80), b"01.01.01", b"01.01.01"]
        parts += [str(size).encode().ljust(8)[:8], b" " * 44]
        parts += [str(n_records).encode().ljust(8)[:8], duration.ljust(8)[:8]]
        parts += [str(n_signals).encode().ljust(4)[:4]]
        for width_of_field, value in (
            (16, b"ECG"),
            (80, b""),
            (8, b"mV"),
            (8, b"-1"),
            (8, b"1"),
            (8, b"-32768"),
            (8, b"32767"),
            (80, b""),
        ):
            parts += [value.ljust(width_of_field)] * shown
        parts += [count.ljust(8)[:8] for count in counts] + [b" " * 32] * shown
        samples = bytes(width * 50 * max(1, shown)) if body is None else body
        return b"".join(parts) + samples

    for n in (0, -1, 2, 99999999, "1e9", "x", "", "1_0", "+1"):
        yield f"{n} records", header(n_records=n)
        yield f"{n} samples in a record", header(counts=[str(n).encode()])
        yield f"records of {n} s", header(duration=str(n).encode())
        yield f"a header of {n} bytes", header(size=n)
    for n in (0, -1, 5, 9999):
        yield (
            f"{n} signals and one there",
            header(n_signals=1)[:252] + f"{n:<4}".encode() + bytes(600),
        )
    yield "9999 signals", header(n_signals=9999, counts=[b"1"] * 9999, body=bytes(width * 9999))
    for n in (b"nan", b"inf", b"-inf", b"1e308", b"1e-320", b"0"):
        yield f"a physical range of {n!r}", header().replace(b"-1      ", n.ljust(8))
        yield f"a digital range of {n!r}", header().replace(b"-32768  ", n.ljust(8))
        yield f"records of {n!r} s", header(duration=n)
    yield "a header alone", header(body=b"")
    yield "half a header", header()[:300]
    yield "a long record of nothing", header(counts=[b"99999999"], n_records=99999999)
    yield "annotations only", header().replace(b"ECG" + b" " * 13, b"EDF Annotations ")
    broken = header(body=b"\x14" * width * 50)
    yield "broken annotations", broken.replace(b"ECG" + b" " * 13, b"EDF Annotations ")
    yield "gaps", header()[:192] + b"EDF+D" + header()[197:]
    yield "letters", header().replace(b"32767", b"\xff\xff\xff\xff\xff")


def npy(shape: str, kind: str = "'<f8'", body: bytes = b"", order: str = "False", **more) -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"
    return npy_of(text.encode() + b"\n", body, **more)


def npy_of(head: bytes, body: bytes = b"", version: bytes = b"\1\0", length: int = -1) -> bytes:
    size = "<H" if version == b"\1\0" else "<I"
    n = length if length >= 0 else min(len(head), 2 ** (8 * struct.calcsize(size)) - 1)
    return b"\x93NUMPY" + version + struct.pack(size, n) + head + body


def npys() -> Iterator[tuple[str, bytes]]:
    some = np.arange(50.0).tobytes()
    for shape in ("(2147483647,)", "(9999999999999999999999,)", "(-1,)", "(-5, -10)", "(0,)", "()"):
        yield f"shape {shape}", npy(shape, body=some)
        yield f"shape {shape} of nothing", npy(shape, "'S0'", some)
        yield f"shape {shape} of void", npy(shape, "'V0'", some)
        yield f"shape {shape} in the other order", npy(shape, body=some, order="True")
    for shape in (
        "(0, 9223372036854775807)",
        "(1,) * 9",
        "(" + "1," * 100 + ")",
        "(True,)",
        "(1.5,)",
    ):
        yield f"shape {shape[:30]}", npy(shape, body=some)
    for shape in ("'50'", "None", "{}", "[50]", "(50,", "(" * 5000, "-" * 9000 + "1", "9" * 9000):
        yield f"shape {shape[:10]}", npy(shape, body=some)
    kinds = ["'|O'", "'<U1'", "'<c16'", "'<M8[ns]'", "'(9999999,)f8'", "[('a', '<f8')]", "'f8,f8'"]
    kinds += ["'<f99'", "'x'", "None", "('<f8', (2147483647,))", "[('a', '|O')]", "'<f16'", "'|b1'"]
    for kind in kinds:
        yield f"kind {kind}", npy("(50,)", kind, some)
    for version in (b"\1\0", b"\2\0", b"\3\0", b"\4\0", b"\xff\xff"):
        for n in (0, 1, 65535, HUGE, 2**32 - 1):
            n = n % 65536 if version == b"\1\0" else n
            head = npy_of(b"{}\n", some, version, n)
            yield f"version {version!r}, a header of {n} bytes", head
        nested = npy_of(b"[" * 60_000, some, version)
        yield f"version {version!r}, brackets", nested
    yield "code", npy_of(b"__import__('os').mkdir('/tmp/x')\n", some)
    yield "infinite", npy("(50,)", body=np.full(50, np.inf).tobytes())
    yield "nothing known", npy("(50,)", body=np.full(50, np.nan).tobytes())


def archive(*members: tuple[str, bytes], packed: bool = False) -> bytes:
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in members:
            made.writestr(name, content)
    return out.getvalue()


def npzs(quick: bool) -> Iterator[tuple[str, bytes]]:
    good = npy("(50,)", body=np.arange(50.0).tobytes())
    rate = npy("()", "'<i8'", struct.pack("<q", 250))
    for told, content in npys():
        yield f"npy: {told}", archive(("ecg.npy", content), ("fs.npy", rate))
    size = 80 * 2**20
    for kind, itemsize in (("'|i1'", 1), ("'<f8'", 8), ("'<f4'", 4))[: 1 if quick else 3]:
        bomb = npy(f"({size // itemsize},)", kind, bytes(size))
        yield f"a bomb of {kind}", archive(("ecg.npy", bomb), ("fs.npy", rate), packed=True)
        names = ("format.npy", "card.npy", "X.npy", "100.npy")
        yield f"bombs of {kind}", archive(*((name, bomb[: 2**27]) for name in names), packed=True)
        count = 2**26 // {8: 16, 4: 8, 1: 5}[itemsize] - 1000
        near = npy(f"({count},)", kind, bytes(count * itemsize))
        yield f"near the limit: {kind}", archive(("ecg.npy", near), ("fs.npy", rate), packed=True)
        del bomb, near
    yield "no array", archive()
    yield "long names", archive(*((f"{'n' * 60_000}{i}.npy", good) for i in range(5)))
    twice = archive(("ecg.npy", good), ("ecg.npz", good)).replace(b"ecg.npz", b"ecg.npy")
    yield "one name twice", twice
    yield "a name with and without its ending", archive(("ecg.npy", good), ("ecg", good))
    sound = archive(("ecg.npy", good), ("fs.npy", rate))
    at = sound.index(b"PK\1\2")
    for offset in (8, 10, 16, 20, 24, 28, 30, 32, 34, 42):
        for n in (1, 2**31 - 1, 2**32 - 1):
            yield (
                f"the directory's field {offset} is {n}",
                sound[: at + offset] + struct.pack("<I", n) + sound[at + offset + 4 :],
            )
            yield (
                f"the entry's field {offset} is {n}",
                sound[:offset] + struct.pack("<I", n) + sound[offset + 4 :],
            )
    lie = bytearray(archive(("ecg.npy", npy("(50000000,)", body=b"")), packed=True))
    at = lie.index(b"PK\1\2")
    for place in (22, at + 24):
        lie[place : place + 4] = struct.pack("<I", 2**29)
    yield "a directory that promises more than there is", bytes(lie)
    # Entries that lie over each other, so that one bomb counts many times
    inner = archive(("a00.npy", npy(f"({2**22},)", "'<f8'", bytes(2**25))), packed=True)
    at, end = inner.index(b"PK\1\2"), inner.index(b"PK\5\6")
    entry = inner[at:end]
    copies = b"".join(entry.replace(b"a00", b"a%02d" % i) for i in range(50))
    tail = inner[end : end + 8] + struct.pack("<HHIIH", 50, 50, len(copies), at, 0)
    yield "entries that lie over each other", inner[:at] + copies + tail

    if quick:
        return
    text = archive(("ecg.npy", npy_of(b" " * size, version=b"\2\0")), packed=True)
    yield "a bomb of a header", text
    yield "a bomb of something else", archive(("ecg", bytes(size)), ("fs.npy", rate), packed=True)
    yield "11000 arrays", archive(*((f"a{i}.npy", b"") for i in range(11_000)))
    yield "5000 arrays", archive(*((f"a{i}.npy", good) for i in range(5000)))


def encoders() -> Iterator[tuple[str, bytes]]:
    from tests.fuzz.fuzzing import CORPUS

    with np.load(CORPUS / "encoder" / "tiny" / "a.npz") as found:
        arrays = {name: found[name] for name in found.files}
    card = json.loads(str(arrays.pop("card")))

    def written(text: str) -> bytes:
        out = io.BytesIO()
        np.savez(out, card=np.array(text), **arrays)
        return out.getvalue()

    def changed(part: str, name: str, value: object) -> bytes:
        return written(json.dumps({**card, part: {**card[part], name: value}}))

    for name in card["network"]:
        for value in (2**31, -1, 0, [], [2**31], [1] * 200_000, "x" * 1000, None, True, 1e308):
            yield f"network.{name} is {str(value)[:20]}", changed("network", name, value)
    for name in card["preprocessing"]:
        for value in (2**31, 1e300, 1e30, 1e12, 0, -1, None, "x", [1], True, 1e-300):
            yield f"preprocessing.{name} is {value}", changed("preprocessing", name, value)
    for text in (
        "",
        "{}",
        "[]",
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 100_000,
        "NaN",
        "null",
        "1e999",
    ):
        yield f"a card of {text[:10]!r}", written(text)
    deep = json.dumps(card)[:-1] + ', "more": ' + "[" * 900 + "]" * 900 + "}"
    yield "a deep card", written(deep)


def records() -> Iterator[tuple[str, Files]]:
    dat = bytes(400)

    def record(first: str, *lines: str, **files: bytes) -> Files:
        return {"a.hea": "\n".join([first, *lines, ""]).encode(), "a.dat": dat, **files}

    line = "a.dat 16 200(0)/mV 16 0 0 0 0 I"
    gap = {
        "b.hea": f"b 1 250 100\n{line}\n".encode(),
        "c.hea": b"c 1 250 0\n~ 0 200/mV 12 0 0 0 0 I\n",
    }
    for n in ("0", "-1", "2", "1000", "2147483647", "99999999999999999999", "x", "", "1e9"):
        yield f"{n} signals", record(f"a {n} 250 200", line)
        yield f"{n} samples", record(f"a 1 250 {n}", line)
        yield f"{n} Hz", record(f"a 1 {n} 200", line)
        yield f"format {n}", record("a 1 250 200", line.replace(" 16 200", f" {n} 200"))
        yield f"{n} samples in a frame", record("a 1 250 200", line.replace(" 16 2", f" 16x{n} 2"))
        yield f"skew {n}", record("a 1 250 200", line.replace(" 16 2", f" 16:{n} 2"))
        yield f"offset {n}", record("a 1 250 200", line.replace(" 16 2", f" 16+{n} 2"))
        yield f"gain {n}", record("a 1 250 200", line.replace("200(0)", f"{n}(0)"))
        yield f"baseline {n}", record("a 1 250 200", line.replace("(0)", f"({n})"))
        yield f"{n} segments", record(f"a/{n} 1 250 200", "b 100", "~ 100")
        yield (
            f"a gap of {n}",
            record(
                f"a/2 1 250 {n}", "b 100", f"~ {n}", **{"b.hea": f"b 1 250 100\n{line}\n".encode()}
            ),
        )
    for n in (10**6, 10**7, 10**8, 2**28 - 200):
        first = f"a/3 1 250 {n + 100}"
        yield f"a long gap of {n}", record(first, "c 0", "b 100", f"~ {n}", **gap)
        for kind in ("508", "516", "524", "310", "311", "8", "80", "61", "160", "0"):
            signal = line.replace(" 16 200", f" {kind} 200")
            yield f"{n} samples of format {kind}", record(f"a 1 250 {n}", signal)
    yield "no length", record("a 1 250", line)
    yield "a record within itself", record("a/2 1 250 200", "a 100", "a 100")
    b = b"a/2 1 250 200\na 100\na 100\n"
    yield "records within each other", record("a/1 1 250 200", "b 200", **{"b.hea": b})
    many = "\n".join(["b 1"] * 50_000)
    b = f"b 1 250 1\n{line}\n".encode()
    yield "50000 segments", record("a/50000 1 250 50000", many, **{"b.hea": b})
    yield "2000 segments", record("a/2000 1 250 2000", *["b 1"] * 2000, **{"b.hea": b})
    yield "5000 signals", record("a 5000 250 1", *[line] * 5000)
    for path in ("../a.dat", "/etc/passwd", "http://example.org/a.dat", "~", ".", "..", "b.dat"):
        yield f"a signal in {path}", record("a 1 250 200", line.replace("a.dat", path))
        yield f"a segment in {path}", record("a/1 1 250 200", f"{path} 200")
    for mark in ("1", "a", " ", "/", "(", ".", "#", "-", "1/", "é", "\t", "1 ", "a1"):
        long = mark * (60_000 // len(mark))
        yield f"a first line of nothing but {mark!r}", record(long, line)
        yield f"a line of nothing but {mark!r}", record("a 1 250 200", long)
        yield f"a long name of {mark!r}", record("a 1 250 200", line + long)
        some = mark * (4000 // len(mark))
        yield f"a shorter line of {mark!r}", record("a 1 250 200", some)
        yield f"a shorter first line of {mark!r}", record(some, line)
        yield f"a number and {mark!r}", record("a 1 250 " + some + "x", line)
    yield "lines without end", record("a 1 250 200", *["#"] * 400_000)
    yield "nothing", {"a.hea": b"", "a.dat": b""}
    yield "zeros", {"a.hea": bytes(1000), "a.dat": b""}


def poly5s() -> Iterator[tuple[str, bytes]]:
    body = bytes(86) + bytes(400)
    for version, n_text in ((203, 31), (204, 32)):

        def head(version=version, n_text=n_text, **changed: int) -> bytes:
            about = {"rate": 250, "stored": 250, "kind": 0, "halves": 2, "samples": 100}
            about |= {"blocks": 1, "per_block": 100, "bytes": 400, "delta": 0} | changed
            fields = struct.pack("<h81shhBhi4x14xiHHh64x", version, b"", *about.values())
            return bytes(n_text) + fields

        def half(mark: bytes, *span: float, unit: bytes = b"\2mV") -> bytes:
            name = b"(" + mark + b") ECG"
            text = bytes([len(name)]) + name
            return struct.pack("<41s4x11s4fhh60x", text, unit, *(span or (0, 1, 0, 1)), 0, 0)

        pair = half(b"Lo") + half(b"Hi")
        yield f"{version}: a sound one", head() + pair + body
        for name, most in (
            *((n, 2**15 - 1) for n in ("rate", "stored", "halves", "delta")),
            *((n, HUGE) for n in ("samples", "blocks")),
            *((n, 2**16 - 1) for n in ("per_block", "bytes")),
        ):
            for value in (0, 1, 3, 101, most - 1, most):
                yield f"{version}: {name} {value}", head(**{name: value}) + pair + body
            if most != 2**16 - 1:
                yield f"{version}: {name} below 0", head(**{name: -1}) + pair + body
        most = {"samples": HUGE, "blocks": 32_769, "per_block": 65_535, "bytes": 65_532}
        yield f"{version}: as many samples as can be", head(**most) + pair + body
        for span in ((0, 1, 1, 1), (0, 1e38, 0, 1e-38), (float("nan"),) * 4, (0, 1, 0, 1e-45)):
            yield f"{version}: a range of {span}", head() + half(b"Lo") + half(b"Hi", *span) + body
        yield f"{version}: a text longer than its field", head() + b"\xff" * 272 + body
        yield f"{version}: two low ends", head() + half(b"Lo") * 2 + body
        yield (
            f"{version}: a unit of no letters",
            head() + half(b"Lo") + half(b"Hi", unit=b"\x0a" + bytes(10)) + body,
        )
        yield f"{version}: infinite samples", head() + pair + bytes(86) + b"\0\0\x80\x7f" * 100
        for n in (0, 31, 33, 100, 217, 218, 300, 489, 490):
            yield f"{version}: {n} bytes", (head() + pair + body)[:n]
    yield "nothing but a version", bytes(31) + struct.pack("<h", 203)


def workbooks(quick: bool) -> Iterator[tuple[str, bytes]]:
    sheets = b'<sheets><sheet name="a" id="r1"/></sheets>'
    links = b'<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>'
    first = b"<s><row><c><v>PP</v></c><c><v>Stress</v></c></row>"
    texts = b"<sst>" + b"<si><t>a</t></si>" * 9 + b"</sst>"
    names = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/s.xml", "xl/sharedStrings.xml")

    def book(sheet: bytes = first + b"</s>", **parts: bytes) -> bytes:
        given = (parts.get("sheets", sheets), parts.get("links", links), sheet)
        given += (parts.get("texts", texts),)
        return archive(*zip(names, given, strict=True), packed=True)

    def row(*cells: bytes) -> bytes:
        return first + b"<row>" + b"".join(cells) + b"</row></s>"

    yield "a sound one", book(row(b"<c><v>PP1</v></c><c><v>3</v></c>"))
    yield "nothing", b""
    yield "no archive", b"PK\3\4" + bytes(1000)
    yield "no parts", archive(("a", b""))
    for number, name in enumerate(names):
        some = list(zip(names, (sheets, links, first + b"</s>", texts), strict=True))
        yield f"no {name}", archive(*some[:number], *some[number + 1 :])
        for told, content in (("nothing", b""), ("zeros", bytes(1000)), ("text", b"PP,Stress\n")):
            yield (
                f"{told} for {name}",
                archive(*some[:number], (name, content), *some[number + 1 :]),
            )
    for target in (b"../../../etc/passwd", b"/etc/passwd", b"http://example.org/s.xml", b"", b".."):
        yield f"a sheet in {target!r}", book(links=links.replace(b"s.xml", target))
    entity = b'<!DOCTYPE s [<!ENTITY a "' + b"a" * 1000 + b'">]>'
    yield "an entity", book(entity + row(b"<c><v>" + b"&a;" * 1000 + b"</v></c>"))
    yield (
        "a file of the system",
        book(b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + row(b"<c><v>&a;</v></c>")),
    )
    yield "an entity that is not there", book(row(b"<c><v>&a;</v></c>"))
    for at in (b"A0", b"ZZZ9999999", b"AAAA1", b"a1", b"1A", b"A1" * 5000, b"", "A²".encode()):
        yield f"a cell at {at[:20]!r}", book(row(b'<c r="' + at + b'"><v>1</v></c>'))
        yield f"a row of number {at[:20]!r}", book(first + b'<row r="' + at + b'"/></s>')
    for index in (b"-1", b"9", b"99999999999", b"1e3", b"", "²".encode(), b"1" * 5000):
        yield f"text {index[:20]!r}", book(row(b'<c t="s"><v>' + index + b"</v></c>"))
    yield "a long text", book(row(b"<c><v>" + b"x" * 1_000_000 + b"</v></c>"))
    yield "a deep tree", book(row(b"<c>" * 100_000))
    yield "a long name", book(row(b"<" + b"c" * 1_000_000 + b"/>"))
    yield (
        "many attributes",
        book(row(b"<c " + b"".join(b'a%d="" ' % i for i in range(50_000)) + b"/>")),
    )
    yield "an end without a start", book(first + b"</row></row></s>")
    yield "two first columns", book(b"<s><row><c><v>PP</v></c><c><v>pp</v></c></row></s>")
    yield "other texts", book(texts=b"\xff\xfe" + "<sst/>".encode("utf-16-le"))
    for n in (1_000_000,) if quick else (1_000_000, 120_000_000):
        yield f"an attribute of {n} letters", book(row(b'<c r="' + b"A" * n + b'"/>'))
        yield f"{n} bytes of empty cells", book(row(b"<c/>" * (n // 4)))
        yield f"{n} bytes of cells", book(row(b"<c><v>1</v></c>" * (n // 15)))
        yield f"{n} bytes of rows", book(first + b"<row/>" * (n // 6) + b"</s>")
        yield (
            f"{n} bytes of rows of cells",
            book(first + b"<row><c><v>1</v></c></row>" * (n // 26) + b"</s>"),
        )
        yield (
            f"{n} bytes of texts",
            book(row(b'<c t="s"><v>1</v></c>'), texts=b"<sst>" + b"<si><t>a</t></si>" * (n // 17)),
        )
        yield (
            f"{n} bytes of sheets",
            book(sheets=b"<s>" + b'<sheet name="b"/>' * (n // 17) + b"</s>"),
        )
        yield f"{n} bytes of blanks", book(first + b" " * n + b"</s>")
        yield f"{n} bytes of a comment", book(first + b"<!--" + b"-a" * (n // 2) + b"--></s>")


def annotations() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "zeros", bytes(100_000)
    for word in (b"\xff\xff", b"\x00\xec", b"\x00\xfc", b"\x01\x04", b"\xff\x03", b"\x00\xf0"):
        yield f"nothing but {word!r}", word * 100_000 + b"\0\0"
        yield f"one {word!r}", word + b"\0\0"
        yield f"nothing but {word!r} and no end", word * 1001
    skip = b"\x00\xec\xff\x7f\xff\xff"
    yield "far", (skip + b"\x01\x04") * 20_000 + b"\0\0"
    back = b"\x00\xec\xff\xff\x00\x00"
    yield "backwards", (back + b"\x01\x04") * 1000 + b"\0\0"
    note = b"\xff\xff" + b"n" * 1022
    yield "long notes", (b"\x01\x04" + b"\xff\xff" + b"n" * 1024) * 200 + b"\0\0"
    yield "a note that is cut", note


def tables(quick: bool) -> Iterator[tuple[str, bytes]]:
    yield "nothing", gzip.compress(b"")
    yield "no gzip", b"a,b\n1,2\n"
    yield "half", gzip.compress(b"# {}\na,b\n1,2\n" * 100)[:60]
    for told, block in (
        ("rows", b"1,2\n"),
        ("empty rows", b"\n"),
        ("words", b"x,y\n"),
        ("one line", b"1"),
        ("columns", b"1,"),
        ("quotes", b'"'),
    ):
        if not quick:
            content = b"# {}\na,b\n" + block * (100 * 2**20 // len(block))
            yield f"a bomb of {told}", gzip.compress(content, 9)
            del content
        yield f"a smaller bomb of {told}", gzip.compress(b"# {}\na,b\n" + block * 2**21, 9)
    yield "a long comment", gzip.compress(b"# " + b"{" * 2**22 + b"\na,b\n1,2\n")
    yield "a deep comment", gzip.compress(b"# " + b"[" * 100_000 + b"\na,b\n1,2\n")
    yield "a column twice", gzip.compress(b"# {}\na,a\n1,2\n")
    yield "many columns", gzip.compress(b"# {}\n" + b"a," * 50_000 + b"\n" + b"1," * 50_000)
    yield "bytes", gzip.compress(bytes(range(256)) * 100)


def torches() -> Iterator[tuple[str, bytes]]:
    from tests.models.test_torch_weights import called, number, numbers, pickled, tensor, text

    shapes = [(2, 1, 32), (2,), (2, 2, 32), (2,), (3, 2, 16), (3,), (3, 3, 16), (3,), (4, 3, 8)]
    shapes += [(4,), (4, 4, 8), (4,)]
    layers = [f"conv_{i // 2 + 1}.{('weight', 'bias')[i % 2]}" for i in range(12)]

    def file(instructions: bytes, size: int = 4, packed: bool = False) -> bytes:
        data = [
            (f"m/data/{i}", bytes(size * int(np.prod(shape)))) for i, shape in enumerate(shapes)
        ]
        return archive(("m/data.pkl", instructions), *data, packed=packed)

    entries = {
        name: tensor(str(i), shape)
        for i, (name, shape) in enumerate(zip(layers, shapes, strict=True))
    }
    good = pickled(entries)
    yield "compressed", file(good, packed=True)
    yield "short storages", file(good, size=3)
    for key, value in {
        "strides missing": tensor("1", (2,), strides=()),
        "strides too many": tensor("1", (2,), strides=(1, 1)),
        "far strides": tensor("1", (2,), strides=(2**30,)),
        "no strides": tensor("1", (2,), strides=(0,)),
        "a negative stride": tensor("1", (2,), strides=(-1,)),
        "a far offset": tensor("1", (2,), offset=2**30),
        "a negative offset": tensor("1", (2,), offset=-1),
        "another key": tensor("../../x", (2,)),
        "no key": tensor("", (2,)),
        "a large storage": tensor("1", (2,), size=2**31 - 1),
        "a number": number(1),
        "a text": text("x" * 10_000),
        "a tuple": numbers(range(1000)),
        "a call": called("os system", text("true")),
    }.items():
        yield key, file(pickled({**entries, layers[1]: value}))
    for told, content in {
        "nothing": b"",
        "zeros": bytes(100_000),
        "marks": b"(" * 2**20,
        "tuples in tuples": b"\x80\x02)" + b"\x85" * (2**20 - 10) + b".",
        "pairs of pairs": b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 100_000 + b".",
        "a long text": b"\x80\x02X\xff\xff\xff\x7fabc",
        "a long number": b"\x80\x02\x8b\xff\xff\xff\x7fabc",
        "a long global": b"\x80\x02c" + b"a" * 2**19 + b"\n" + b"b" * 2**19 + b"\n.",
        "dicts": b"\x80\x02" + b"}" * (2**20 - 10) + b".",
        "a frame": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + good,
        "many names": pickled({f"{i:08}": tensor("0", (1,)) for i in range(5000)}),
        "no end": good[:-1],
        "empty stack": b"\x80\x02.",
        "pops": b"\x80\x02" + b"u" * 1000,
    }.items():
        yield f"instructions: {told}", file(content)
    size = 300 * 2**20
    yield "a bomb of instructions", archive(("m/data.pkl", bytes(size)), packed=True)
    yield "two folders", archive(("m/data.pkl", good), ("n/data.pkl", good))
