"""seccomp: a filter that answers the forbidden system calls with an error, whoever the process belongs to.

The program is one of classic BPF: it looks at the call's number, and for one call at an argument.
"""

import ctypes
import errno

from .kernel import prctl
from .syscalls import CLONE3, COLUMNS, EXECVE, FIRST_UNKNOWN, FORBIDDEN, PRLIMIT64

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_ALLOW, _KILL_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

#: AUDIT_ARCH_* of <linux/audit.h>.
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3, "loongarch64": 0xC0000102}

#: BPF: load a word of the call; compare it, if equal go on, else skip; the same with greater or equal; answer.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06
#: Where the number, the machine and the halves of the third argument lie in what the filter sees.
_NUMBER, _MACHINE, _THIRD = 0, 4, (32, 36)


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


_Step = tuple[int, int, int, int]


def filter_steps(machine: str, *, may_start_program: bool) -> list[_Step]:
    """The filter's instructions: code, skipped if true, skipped if false, value.

    Args:
        machine: as uname names it.
        may_start_program: whether `execve` is allowed: the renderer is yet to be started.

    Raises:
        OSError: ENOSYS, there is no table for this machine.
    """
    if machine not in COLUMNS:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    column = COLUMNS[machine]
    refused = _ERROR | errno.EPERM
    unknown = _ERROR | errno.ENOSYS
    steps = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, _AUDIT[machine]),
        (_ANSWER, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        (_ANSWER, 0, 0, unknown),
        *_answer(CLONE3, unknown),
    ]
    numbers = [(x86_64, generic)[column] for _, x86_64, generic in FORBIDDEN]
    if not may_start_program:
        numbers.append(EXECVE[column])
    for number in numbers:
        if number is not None:
            steps += _answer(number, refused)
    steps += [
        (_IF_EQUAL, 0, 5, PRLIMIT64[column]),
        (_LOAD, 0, 0, _THIRD[0]),
        (_IF_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _THIRD[1]),
        (_IF_EQUAL, 1, 0, 0),
        (_ANSWER, 0, 0, refused),
        (_ANSWER, 0, 0, _ALLOW),
    ]
    return steps


def _answer(number: int, answer: int) -> tuple[_Step, _Step]:
    return (_IF_EQUAL, 0, 1, number), (_ANSWER, 0, 0, answer)


def install(machine: str, *, may_start_program: bool) -> None:
    """Put the filter on this process, for good; needs `forbid_new_privileges` first.

    Raises:
        OSError: EINVAL or ENOSYS, the kernel has no filters; EPERM, another one forbids it.
    """
    steps = filter_steps(machine, may_start_program=may_start_program)
    program = _Program(len(steps), (_Instruction * len(steps))(*(_Instruction(*step) for step in steps)))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))
