"""How foreign code gets into the live process, and the reader out of its locks."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case

_COPIED = """
import ctypes, glob, os, shutil, sysconfig, tempfile
found = sorted(glob.glob(sysconfig.get_paths()["purelib"] + "/markupsafe/_speedups*.so"))[0]
copy = os.path.join(tempfile.mkdtemp(), "{name}")
shutil.copyfile(found, copy)
kept = ctypes.PyDLL(copy)
"""
_READER = """
import smalt.library.sandbox as s
s._START = s._START.replace("from smalt.library.child", {do!r} + "; from smalt.library.child")
"""


@case("deps.live", "native code from elsewhere is loaded")
def _() -> Break:
    return Break(preamble=_COPIED.format(name="helper.so"))


@case("deps.live", "loaded code was removed from the disk")
def _() -> Break:
    return Break(preamble=_COPIED.format(name="gone.so") + "\nos.unlink(copy)")


@case("deps.live", "a distribution is missing in the bill of materials")
def _() -> Break:
    return Break(
        preamble="""
import smalt.trust.sbom as b
inner = b.components
b.components = lambda: tuple(one for one in inner() if one.name != "xlsxwriter")
"""
    )


@case("deps.live", "a library of the system more", harmless=True)
def _() -> Break:
    return Break(preamble="import ctypes; kept = ctypes.CDLL('libm.so.6')")


@case("reader.sandbox", "system calls are not filtered")
def _() -> Break:
    return Break(preamble=_READER.format(do="import smalt.library.locks as l; l._filter = lambda *given: True"))


@case("reader.sandbox", "the reader has the network of the server")
def _() -> Break:
    return Break(preamble=_READER.format(do="import smalt.library.locks as l; l._CLONE_NEWUSER_NEWNET = 0"))


@case("reader.sandbox", "the reader has no limits")
def _() -> Break:
    return Break(preamble=_READER.format(do="import smalt.library.locks as l; l._limit = lambda *given: []"))


@case("reader.sandbox", "the reader may open files")
def _() -> Break:
    return Break(preamble=_READER.format(do="import smalt.library.locks as l; l.second = lambda parent: []"))


@case("reader.sandbox", "a document may have any number of pages")
def _() -> Break:
    return Break(preamble=_READER.format(do="import smalt.kernel.limits as m; m.PARSE_PAGES_MAX = 10 ** 6"))


@case("reader.sandbox", "more memory than usual is lent", harmless=True)
def _() -> Break:
    return Break(preamble="import smalt.kernel.limits as m; m.PARSE_MEMORY_BYTES += 1 << 20")
