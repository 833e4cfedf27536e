"""What a release of Pacemaker says of one CIB after another, from one process of its own libraries.

A program, run with the release's Python (`releases.py`); it knows nothing but Python's standard library. It asks
`pcmk_status` of libpacemaker, which is "formatted like crm_mon --output-as=xml" (include/pacemaker.h) and is what
crm_mon itself calls (pcmk__status). crm_mon reads the schemas first, for 0.2 s in 3.0.0; here they are read once.

    statuses.py LIBPACEMAKER    CIBs on standard input, answers on standard output; before each, its length in 8 bytes
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator


def main() -> None:
    pacemaker, libxml = ctypes.CDLL(sys.argv[1]), ctypes.CDLL("libxml2.so.2")
    libxml.xmlBufferCreate.restype = ctypes.c_void_p
    libxml.xmlBufferContent.restype = ctypes.c_char_p
    pacemaker.crm_xml_init()
    for option in options(pacemaker):
        if option.name in {b"xml-simple-list", b"xml-substitute"}:
            ctypes.c_int.from_address(option.value).value = 1
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while length := asked.read(8):
        answer = status(pacemaker, libxml, asked.read(int.from_bytes(length, "big")))
        answers.write(len(answer).to_bytes(8, "big") + answer)
        answers.flush()


class Option(ctypes.Structure):
    """Glib's GOptionEntry: an option that a program of Pacemaker's has."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("letter", ctypes.c_char),
        ("flags", ctypes.c_int),
        ("type", ctypes.c_int),
        ("value", ctypes.c_void_p),
        ("meaning", ctypes.c_char_p),
        ("argument", ctypes.c_char_p),
    )
    name: bytes | None
    value: int


def options(pacemaker: ctypes.CDLL) -> Iterator[Option]:
    """How XML is printed: crm_mon of 2.1.5 sets two of them for `--output-as=xml`, 3.0.0 needs none."""
    try:
        first = ctypes.addressof(Option.in_dll(pacemaker, "pcmk__xml_output_entries"))
    except ValueError:
        return
    while (option := Option.from_address(first)).name is not None:
        yield option
        first += ctypes.sizeof(Option)


def status(pacemaker: ctypes.CDLL, libxml: ctypes.CDLL, cib: bytes) -> bytes:
    document = os.memfd_create("cib")
    with open(document, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(cib)
        file.flush()
        os.environ["CIB_file"] = f"/proc/self/fd/{document}"  # noqa: SIM112 - Pacemaker's name
        told = ctypes.c_void_p()
        pacemaker.pcmk_status(ctypes.byref(told))
    text = ctypes.c_void_p(libxml.xmlBufferCreate())
    try:
        libxml.xmlNodeDump(text, None, told, 0, 0)
        return bytes(libxml.xmlBufferContent(text))
    finally:
        libxml.xmlBufferFree(text)
        libxml.xmlFreeNode(told)


if __name__ == "__main__":
    main()
