"""Small minidumps of given contents: streams, threads, memory, modules."""

import struct

THREADS, MODULES, MEMORY, MEMORY64 = 3, 4, 5, 9
LINUX_CMD_LINE, LINUX_ENVIRON = 0x47670006, 0x47670007


class Dump:
    """What each part holds; data() lays it out."""

    def __init__(self, stack=b"", heap=b"", environ=b"", cmdline=b"", modules=(), full=False):
        self.stack, self.heap = stack, heap
        self.environ, self.cmdline = environ, cmdline
        self.modules = modules  # (code file, debug file)
        self.full = full        # memory in one piece at the end

    def data(self):
        body = bytearray()

        def put(data):
            at = base + len(body)
            body.extend(data)
            body.extend(bytes(-len(body) % 4))
            return at

        streams = 5 - (not self.environ) - (not self.cmdline)
        base = 32 + 12 * streams
        directory = []

        def stream(kind, data):
            directory.append((kind, len(data), put(data)))

        stack = 0 if self.full else put(self.stack)
        heap = 0 if self.full else put(self.heap)
        stream(THREADS, struct.pack("<I", 1) + struct.pack(
            "<IIIIQQIIII", 7, 0, 0, 0, 0, 0x7000, len(self.stack), stack, 0, 0))
        rows = b""
        for code, debug in self.modules:
            name = code.encode("utf-16-le")
            rva = put(struct.pack("<I", len(name)) + name + b"\0\0")
            record = b"RSDS" + bytes(16) + struct.pack("<I", 1) + debug.encode() + b"\0"
            cv = put(record) if debug else 0
            rows += struct.pack("<QIIII", 0x400000, 0x1000, 0, 0, rva) + bytes(52) + struct.pack(
                "<IIII", len(record) if debug else 0, cv, 0, 0) + bytes(16)
        stream(MODULES, struct.pack("<I", len(self.modules)) + rows)
        if self.environ:
            stream(LINUX_ENVIRON, self.environ)
        if self.cmdline:
            stream(LINUX_CMD_LINE, self.cmdline)
        if self.full:
            at = base + len(body) + 16 + 2 * 16
            stream(MEMORY64, struct.pack("<QQ", 2, at) + struct.pack("<QQ", 0x7000, len(self.stack))
                   + struct.pack("<QQ", 0x9000, len(self.heap)))
            body.extend(self.stack + self.heap)
        else:
            stream(MEMORY, struct.pack("<I", 2)
                   + struct.pack("<QII", 0x7000, len(self.stack), stack)
                   + struct.pack("<QII", 0x9000, len(self.heap), heap))
        head = struct.pack("<4sIIIIIQ", b"MDMP", 0xa793, len(directory), 32, 0, 0, 0)
        return head + b"".join(struct.pack("<III", *d) for d in directory) + bytes(body)
