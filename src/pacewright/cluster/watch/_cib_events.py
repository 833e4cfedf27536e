"""A program of its own: says over a pipe that the CIB has changed, and what it is. Started by `watch`, never imported.

    python3 -I -S -E _cib_events.py PARENT_PID [ANSWERS]

It loads Pacemaker's C library, and that is why it is a process: whatever happens in there ends this process
and nobody else. It connects read-only (the CIB manager refuses every write on that channel), so that even a
call through a wrong function pointer cannot change the cluster.

Standard output, where the parent listens:
    ready           notifications are on; every change from now on is told
    cannot: REASON  ... instead of `ready`: this will not work; the program ends
    .               one byte per change (dropped while the pipe is full: the parent has not looked yet)
Standard input, where the parent asks: one byte, `w` for the whole CIB, `r` for its root element alone.
The file descriptor ANSWERS, where it is answered: the length in bytes, a newline, and so many bytes of XML; a length
of -1 stands for "ask somebody else".
Exit codes: 0 the parent is gone, UNUSABLE no library that we know, UNREACHABLE no CIB manager, or it went away.

It ends with its parent: the kernel kills it (PR_SET_PDEATHSIG), and end of file on standard input ends it too.
Only small modules are imported, since every command that waits starts one: about 20 ms until `ready`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_uint, c_void_p

UNUSABLE = 3
UNREACHABLE = 4

# Constants of the kernel's, GLib's and Pacemaker's interfaces.
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_SIGKILL = 9
_G_IO_IN, _G_IO_ERR, _G_IO_HUP = 1, 8, 16
_CIB_QUERY = 1  # enum cib_conn_type: the read-only channel
_CONNECTED_QUERY = 1  # enum cib_state
_NEW_CONNECTION = (2, 2, 1)  # cib_disconnected, cib_no_connection, cib_native: what cib_native_new() returns
_NO_CHILDREN, _SYNC_CALL = 1 << 5, 1 << 12  # enum cib_call_options
_NOTIFY_LIST = 40  # offset of notify_list in struct cib_s, the same in all versions below


class Layout:
    """Where one series of libcib keeps what we need.

    Args:
        cmds: offset in `struct cib_s` of the pointer to the function table.
        add_notify, set_dnotify, query: slots in `cib_api_operations_t`; `signon` is slot 0 everywhere.
    """

    def __init__(self, *, cmds: int, add_notify: int, set_dnotify: int, query: int) -> None:
        self.query = query
        self.cmds = cmds
        self.add_notify = add_notify
        self.set_dnotify = set_dnotify


# From include/crm/cib/cib_types.h, compared for every tag named, on 64-bit machines.
LIBRARIES = {
    # Pacemaker-3.0.0, 3.0.1, 3.0.2 (-version-info 54:0:0, 54:1:0, 55:0:1)
    "libcib.so.54": Layout(cmds=48, add_notify=3, set_dnotify=5, query=8),
    # Pacemaker-2.1.5 to 2.1.9 (-version-info 30:1:3 to 33:1:6): `signon_raw`, `set_op_callback` and the
    # member `op_callback` come before
    "libcib.so.27": Layout(cmds=56, add_notify=5, set_dnotify=7, query=11),
}


class Trouble(Exception):
    """Why this program has to end.

    Args:
        reason: one clause for a person.
        code: the exit code.
    """

    def __init__(self, reason: str, code: int = UNUSABLE) -> None:
        super().__init__(reason)
        self.code = code


class _Symbol(ctypes.Structure):
    """What dladdr(3) tells about an address."""

    _fields_ = (("file", c_char_p), ("base", c_void_p), ("name", c_char_p), ("address", c_void_p))


_SIGNON = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_ON_EVENT = CFUNCTYPE(None, c_char_p, c_void_p)
_ADD_NOTIFY = CFUNCTYPE(c_int, c_void_p, c_char_p, _ON_EVENT)
_ON_LOSS = CFUNCTYPE(None, c_void_p)
_SET_DNOTIFY = CFUNCTYPE(c_int, c_void_p, _ON_LOSS)
_QUERY = CFUNCTYPE(c_int, c_void_p, c_char_p, POINTER(c_void_p), c_int)
_ON_INPUT = CFUNCTYPE(c_int, c_int, c_int, c_void_p)


def say(text: bytes) -> None:
    """Tell the parent; a full pipe says enough already, and a closed one ends this program."""
    try:
        os.write(1, text)
    except BlockingIOError:
        return
    except OSError:
        os._exit(0)


def tie_to_parent(parent: int) -> None:
    """Die with the parent, and leave no core file when the library crashes."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    libc.prctl(_PR_SET_DUMPABLE, 0)
    if os.getppid() != parent:
        os._exit(0)
    os.set_blocking(1, False)


def load() -> tuple[ctypes.CDLL, Layout]:
    """The newest libcib that is installed and known here.

    Raises:
        Trouble: there is none, or not for this kind of machine.
    """
    if ctypes.sizeof(c_void_p) != 8:
        raise Trouble("the library's layout is known for 64-bit machines only")
    reasons = []
    for name, layout in LIBRARIES.items():
        try:
            return ctypes.CDLL(name), layout
        except OSError as error:
            reasons.append(str(error))
    raise Trouble("; ".join(reasons))


def _base(address: int | None) -> int:
    """Where the library that holds this address is mapped; 0 if none does."""
    symbol = _Symbol()
    if not address or not ctypes.CDLL(None).dladdr(c_void_p(address), ctypes.byref(symbol)):
        return 0
    return symbol.base or 0


def _ints(address: int, count: int) -> tuple[int, ...]:
    return tuple(ctypes.cast(address, POINTER(c_int))[index] for index in range(count))


def _pointer(address: int) -> int:
    return ctypes.cast(address, POINTER(c_void_p))[0] or 0


class Connection:
    """One connection to the CIB manager; it looks at what it was given before it calls anything.

    Raises:
        Trouble: the library does not have the layout that its name promises.
    """

    def __init__(self, library: ctypes.CDLL, layout: Layout) -> None:
        new = library.cib_native_new  # not cib_new(): that one may open a file named in the environment
        new.restype = c_void_p
        self.address: int = new() or 0
        if not self.address or _ints(self.address, 3) != _NEW_CONNECTION:
            raise Trouble("cib_native_new() returned something that is no new connection")
        table = _pointer(self.address + layout.cmds)
        home = _base(ctypes.cast(new, c_void_p).value)
        slots = (0, layout.add_notify, layout.set_dnotify, layout.query)
        self._slots = [self._checked(table, slot, home) for slot in slots]
        self._library = library

    @staticmethod
    def _checked(table: int, slot: int, home: int) -> int:
        """The function in that slot, which has to be one of the library's own."""
        function = _pointer(table + 8 * slot) if table else 0
        if not home or _base(function) != home:
            raise Trouble(f"slot {slot} of the function table does not point into the library")
        return function

    def sign_on(self) -> None:
        """Connect, for reading only.

        Raises:
            Trouble: nobody answers, or success left the connection in a state that is not "connected".
        """
        code = _SIGNON(self._slots[0])(self.address, b"pacewright", _CIB_QUERY)
        if code != 0:
            raise Trouble(f"no connection to the CIB manager (error {-code})", UNREACHABLE)
        if _ints(self.address, 1) != (_CONNECTED_QUERY,):
            raise Trouble("signed on, but the connection does not say so")

    def listen(self) -> None:
        """Have every change and the end of the connection told. The call returns when the manager has agreed.

        Raises:
            Trouble: the library did not take the callbacks.
        """
        if _SET_DNOTIFY(self._slots[2])(self.address, _LOST) != 0:
            raise Trouble("the library refused to tell the end of a connection")
        if _pointer(self.address + _NOTIFY_LIST):
            raise Trouble("somebody listens already on a new connection")
        if _ADD_NOTIFY(self._slots[1])(self.address, _EVENT, _TELL) != 0:
            raise Trouble("the library refused to tell changes")
        if not _pointer(self.address + _NOTIFY_LIST):
            raise Trouble("the library took a callback and lists none")

    def document(self, options: int) -> bytes | None:
        """The CIB as `cibadmin --query` prints it; None if the library or the manager does not give it.

        Args:
            options: of enum cib_call_options, beside that the answer is waited for.
        """
        found = c_void_p()
        code = _QUERY(self._slots[3])(self.address, None, ctypes.byref(found), options | _SYNC_CALL)
        if not found.value:
            return None
        try:
            return self._written(found) if code == 0 else None
        finally:
            self._library.free_xml(found)

    def _written(self, node: c_void_p) -> bytes | None:
        """An element in XML, by libxml2."""
        library = self._library
        library.xmlBufferCreate.restype = c_void_p
        library.xmlBufferContent.restype = c_void_p
        buffer = c_void_p(library.xmlBufferCreate())
        try:
            if library.xmlNodeDump(buffer, None, node, 0, 0) < 0:
                return None
            return ctypes.string_at(library.xmlBufferContent(buffer), library.xmlBufferLength(buffer))
        finally:
            library.xmlBufferFree(buffer)


class Answers:
    """The parent's questions, and where they are answered."""

    def __init__(self, connection: Connection, to: int) -> None:
        self._connection = connection
        self._to = to

    def answer(self, questions: bytes) -> None:
        """Answer each of them in full; a parent who is gone ends this program."""
        for question in questions:
            document = self._document(_NO_CHILDREN if question == ord("r") else 0)
            said = b"-1\n" if document is None else b"%d\n%s" % (len(document), document)
            try:
                while said:
                    said = said[os.write(self._to, said) :]
            except OSError:
                os._exit(0)

    def _document(self, options: int) -> bytes | None:
        try:
            return self._connection.document(options)
        except AttributeError:  # a function is missing in the library
            return None


def _tell(_event: bytes, _message: int) -> None:
    say(b".")


def _lost(_connection: int) -> None:
    os._exit(UNREACHABLE)


def _hear(_descriptor: int, _condition: int, _data: int) -> int:
    questions = os.read(0, 64)
    if not questions or not _ANSWERS:
        os._exit(0)
    _ANSWERS[0].answer(questions)
    return 1  # go on listening


_ANSWERS: list[Answers] = []

# The library keeps these pointers, so they live as long as the program.
_TELL = _ON_EVENT(_tell)
_LOST = _ON_LOSS(_lost)
_HEAR = _ON_INPUT(_hear)
_EVENT = b"cib_diff_notify"


def run_for_ever(library: ctypes.CDLL) -> None:
    """GLib's main loop. GLib is found through libcib, so it is the same copy that libcib uses."""
    library.g_unix_fd_add(0, _G_IO_IN | _G_IO_ERR | _G_IO_HUP, _HEAR, None)
    new = library.g_main_loop_new
    new.restype = c_void_p
    new.argtypes = (c_void_p, c_int)
    loop = new(None, 0)
    say(b"ready\n")
    library.g_main_loop_run(c_void_p(loop))


def watch(answers: int | None) -> None:
    """Connect and tell every change, until the parent or the CIB manager goes away.

    Args:
        answers: the file descriptor for answers; None where nobody asks.

    Raises:
        Trouble: it cannot be done on this machine, or not now.
    """
    library, layout = load()
    try:
        library.crm_xml_init()  # sets up the private data of XML nodes; the tools call it first as well
        library.g_unix_fd_add.argtypes = (c_int, c_uint, _ON_INPUT, c_void_p)
        connection = Connection(library, layout)
        connection.sign_on()
        connection.listen()
        if answers is not None:
            _ANSWERS.append(Answers(connection, answers))
        run_for_ever(library)
    except AttributeError as error:
        raise Trouble(f"a function is missing in the library: {error}") from error


def main(parent: int, answers: int | None = None) -> int:
    """Run until somebody goes away; returns the exit code."""
    tie_to_parent(parent)
    try:
        watch(answers)
    except Trouble as trouble:
        say(f"cannot: {trouble}\n".encode())
        return trouble.code
    return UNREACHABLE


if __name__ == "__main__":
    os._exit(main(*map(int, sys.argv[1:3])))  # no clean-up: the library's own could hang or crash
