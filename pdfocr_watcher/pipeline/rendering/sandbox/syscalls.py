"""The system calls that a renderer has no business with, and their numbers.

By purpose, so that a reader can judge whether something is missing. x86_64 has numbers of its own; aarch64, riscv64
and loongarch64 share the generic ones. What the kernel does with the numbers is in `seccomp`.
"""

#: Name, number on x86_64, generic number; None where there is no such call. Each is answered with EPERM.
FORBIDDEN: tuple[tuple[str, int | None, int | None], ...] = (
    # Other processes would outlive the one that is killed at its time limit.
    ("fork", 57, None),
    ("vfork", 58, None),
    ("clone", 56, 220),
    ("execveat", 322, 281),
    ("setsid", 112, 157),
    ("setpgid", 109, 154),
    # What is done to other processes of the same user.
    ("kill", 62, 129),
    ("tkill", 200, 130),
    ("tgkill", 234, 131),
    ("rt_sigqueueinfo", 129, 138),
    ("rt_tgsigqueueinfo", 297, 240),
    ("pidfd_open", 434, 434),
    ("pidfd_getfd", 438, 438),
    ("pidfd_send_signal", 424, 424),
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("process_madvise", 440, 440),
    ("process_mrelease", 448, 448),
    ("kcmp", 312, 272),
    ("setpriority", 141, 140),
    ("ioprio_set", 251, 30),
    ("sched_setparam", 142, 118),
    ("sched_setscheduler", 144, 119),
    ("sched_setaffinity", 203, 122),
    ("sched_setattr", 314, 274),
    ("migrate_pages", 256, 238),
    ("move_pages", 279, 239),
    ("perf_event_open", 298, 241),
    ("get_robust_list", 274, 100),
    ("setrlimit", 160, 164),
    # The network, and whoever listens on this machine.
    ("socket", 41, 198),
    ("socketpair", 53, 199),
    ("bind", 49, 200),
    ("listen", 50, 201),
    ("accept", 43, 202),
    ("accept4", 288, 242),
    ("connect", 42, 203),
    # Memory and queues that are shared by name.
    ("shmget", 29, 194),
    ("shmat", 30, 196),
    ("shmctl", 31, 195),
    ("semget", 64, 190),
    ("semop", 65, 193),
    ("semtimedop", 220, 192),
    ("semctl", 66, 191),
    ("msgget", 68, 186),
    ("msgsnd", 69, 189),
    ("msgrcv", 70, 188),
    ("msgctl", 71, 187),
    ("mq_open", 240, 180),
    ("mq_unlink", 241, 181),
    # What Landlock does not see: it is about opening files, not about their owners, modes and times.
    ("chmod", 90, None),
    ("fchmod", 91, 52),
    ("fchmodat", 268, 53),
    ("chown", 92, None),
    ("fchown", 93, 55),
    ("lchown", 94, None),
    ("fchownat", 260, 54),
    ("utime", 132, None),
    ("utimes", 235, None),
    ("futimesat", 261, None),
    ("utimensat", 280, 88),
    ("setxattr", 188, 5),
    ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7),
    ("removexattr", 197, 14),
    ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16),
    ("truncate", 76, 45),
    ("name_to_handle_at", 303, 264),
    ("open_by_handle_at", 304, 265),
    ("fanotify_init", 300, 262),
    ("quotactl", 179, 60),
    ("quotactl_fd", 443, 443),
    ("sync", 162, 81),
    ("syncfs", 306, 267),
    ("fchmodat2", 452, 452),
    # Other file systems and other views of them.
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("pivot_root", 155, 41),
    ("chroot", 161, 51),
    ("move_mount", 429, 429),
    ("open_tree", 428, 428),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("unshare", 272, 97),
    ("setns", 308, 268),
    ("statmount", 457, 457),
    ("listmount", 458, 458),
    # Other users.
    ("setuid", 105, 146),
    ("setgid", 106, 144),
    ("setreuid", 113, 145),
    ("setregid", 114, 143),
    ("setresuid", 117, 147),
    ("setresgid", 119, 149),
    ("setfsuid", 122, 151),
    ("setfsgid", 123, 152),
    ("setgroups", 116, 159),
    ("capset", 126, 91),
    # Memory that no limit counts.
    ("memfd_create", 319, 279),
    ("memfd_secret", 447, 447),
    # The large and seldom used parts of the kernel.
    ("bpf", 321, 280),
    ("userfaultfd", 323, 282),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("io_setup", 206, 0),
    ("io_submit", 209, 2),
    ("keyctl", 250, 219),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("set_mempolicy", 238, 237),
    ("mbind", 237, 235),
    ("personality", 135, 92),
    ("modify_ldt", 154, None),
    ("lookup_dcookie", 212, 18),
    # What belongs to the administrator.
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("reboot", 169, 142),
    ("swapon", 167, 224),
    ("swapoff", 168, 225),
    ("acct", 163, 89),
    ("syslog", 103, 116),
    ("settimeofday", 164, 170),
    ("clock_settime", 227, 112),
    ("adjtimex", 159, 171),
    ("clock_adjtime", 305, 266),
    ("sethostname", 170, 161),
    ("setdomainname", 171, 162),
    ("vhangup", 153, 58),
    ("iopl", 172, None),
    ("ioperm", 173, None),
)

#: Machines whose numbers are known, and the column that they have in the tables here.
COLUMNS = {"x86_64": 0, "aarch64": 1, "riscv64": 1, "loongarch64": 1}

#: C libraries fall back to `clone` when this one does not exist; its flags lie in memory, where no filter can look.
CLONE3 = 435

#: Allowed as long as it only asks: with a third argument it sets limits, those of other processes too.
PRLIMIT64 = (302, 261)

CAPGET, CAPSET = (125, 90), (126, 91)

#: Forbidden where the renderer is in this process already and no program is to be started.
EXECVE = (59, 221)

#: Calls from this number on are newer than this table: they are answered as if the kernel did not know them either.
#: The second numbering of x86_64 (x32) lies above it as a whole.
FIRST_UNKNOWN = 463
