"""The locks the reading process puts on itself: nothing to reach, nothing to write, bounded time and memory.

Two steps: `first` before any byte of the file is looked at, `second` when every module is loaded and only the parsing
remains; from then on not even a file can be opened. Standard library only; Linux gives all locks, other systems the
resource limits.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER_NEWNET = 0x10000000 | 0x40000000
_RET_KILL = 0x80000000
_RET_ALLOW = 0x7FFF0000
_RET_EPERM = 0x00050001
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06

# System call numbers: name -> (x86_64, aarch64); None where the machine has no such call.
_ALWAYS: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "accept4": (288, 242),
    "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "link": (86, None),
    "linkat": (265, 37),
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchownat": (260, 54),
    "open_by_handle_at": (304, 265),
}
_AFTER_LOADING: dict[str, tuple[int | None, int | None]] = {
    "open": (2, None),
    "creat": (85, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "unshare": (272, 97),
}
_TGKILL = (234, 131)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def first(parent: int, memory_bytes: int, cpu_s: int) -> list[str]:
    """Limits and filters that loading modules can live with. Returns the locks that hold."""
    held = _limit(memory_bytes, cpu_s)
    if not sys.platform.startswith("linux"):
        return held
    libc = ctypes.CDLL(None, use_errno=True)
    if _die_with(libc, parent):
        held.append("dies_with_parent")
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held.append("no_new_privileges")
    if _filter(libc, _ALWAYS):
        held.append("no_sockets")
    return held


def second(parent: int) -> list[str]:
    """An empty network of its own where the kernel permits, and no opening of files any more."""
    held: list[str] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    if not sys.platform.startswith("linux"):
        return held
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER_NEWNET) == 0:
        held.append("own_network")
        # A change of credentials may clear the parent-death signal (prctl(2)): set it again.
        _die_with(libc, parent)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _filter(libc, _AFTER_LOADING):
        held.append("no_files")
    return held


def _limit(memory_bytes: int, cpu_s: int) -> list[str]:
    held: list[str] = []
    wanted = [
        ("memory", resource.RLIMIT_AS, memory_bytes),
        ("cpu", resource.RLIMIT_CPU, cpu_s),
        ("open_files", resource.RLIMIT_NOFILE, 64),
        ("no_writing", resource.RLIMIT_FSIZE, 0),
        ("no_core", resource.RLIMIT_CORE, 0),
        ("no_processes", resource.RLIMIT_NPROC, 0),
    ]
    for name, which, value in wanted:
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            # The kernel answers the soft CPU limit with SIGXCPU, which tells the parent why; the hard one with SIGKILL.
            soft = max(bound - 2, 1) if which == resource.RLIMIT_CPU else bound
            resource.setrlimit(which, (soft, bound))
        except (ValueError, OSError):  # macOS refuses some
            continue
        held.append(name)
    return held


def _die_with(libc: ctypes.CDLL, parent: int) -> bool:
    status: int = libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # the parent died before the call
        os._exit(1)
    return status == 0


def _filter(libc: ctypes.CDLL, calls: dict[str, tuple[int | None, int | None]]) -> bool:
    """Install a seccomp filter that answers EPERM to ``calls`` and kills calls of a foreign architecture."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    column, architecture = machine
    code = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _RET_KILL),
        (_LOAD, 0, 0, 0),
    ]
    if column == 0:  # the x32 numbers would slip past the list
        code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _RET_KILL)]
    for numbers in calls.values():
        number = numbers[column]
        if number is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_EPERM)]
    # abort() signals the own thread group; any other is out of reach.
    code += [
        (_EQUAL, 0, 3, _TGKILL[column]),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 1, 0, os.getpid()),
        (_RETURN, 0, 0, _RET_EPERM),
        (_RETURN, 0, 0, _RET_ALLOW),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    program = Program(len(code), ctypes.addressof(packed))
    status: int = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return status == 0
