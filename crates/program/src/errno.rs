//! Linux error numbers by name.

/// An error number as the kernel returns it, positive.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:literal $text:literal,)+) => {
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Errno = Errno($number);)+

            /// `ENOENT`; `None` for a number without a name here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)+
                    _ => None,
                }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($number => $text,)+
                    _ => "unknown error",
                }
            }
        }
    };
}

errnos! {
    EPERM = 1 "operation not permitted",
    ENOENT = 2 "no such element",
    ESRCH = 3 "no such process",
    EINTR = 4 "interrupted",
    EIO = 5 "input/output error",
    ENXIO = 6 "no such device or address",
    E2BIG = 7 "too big",
    EBADF = 9 "bad file descriptor",
    EAGAIN = 11 "try again",
    ENOMEM = 12 "out of memory",
    EACCES = 13 "permission denied",
    EFAULT = 14 "bad address",
    EBUSY = 16 "busy",
    EEXIST = 17 "already exists",
    ENODEV = 19 "no such device",
    EXDEV = 18 "across file systems",
    ENOTDIR = 20 "not a directory",
    EISDIR = 21 "is a directory",
    EINVAL = 22 "invalid argument",
    EMFILE = 24 "too many open files",
    ENOSPC = 28 "no space left",
    EROFS = 30 "read-only",
    EDOM = 33 "out of domain",
    ERANGE = 34 "out of range",
    EDEADLK = 35 "would deadlock",
    ENAMETOOLONG = 36 "name too long",
    ENOSYS = 38 "not implemented",
    ENOTEMPTY = 39 "not empty",
    ELOOP = 40 "too many levels",
    ENOMSG = 42 "no such message",
    ENODATA = 61 "no data",
    ENONET = 64 "not in a network",
    ENOLINK = 67 "link severed",
    EPROTO = 71 "protocol error",
    EBADMSG = 74 "not a data message",
    EOVERFLOW = 75 "value too large",
    EBADFD = 77 "file descriptor in a bad state",
    EILSEQ = 84 "illegal byte sequence",
    ENOTSOCK = 88 "not a socket",
    EMSGSIZE = 90 "message too long",
    EPROTOTYPE = 91 "protocol of another type",
    EPROTONOSUPPORT = 93 "protocol not supported",
    ESOCKTNOSUPPORT = 94 "socket type not supported",
    EOPNOTSUPP = 95 "operation not supported",
    EAFNOSUPPORT = 97 "address family not supported",
    EADDRINUSE = 98 "address in use",
    EADDRNOTAVAIL = 99 "not an own address",
    ENETUNREACH = 101 "network unreachable",
    ENOBUFS = 105 "no buffer space",
    ETIMEDOUT = 110 "timed out",
    ECONNREFUSED = 111 "connection refused",
    EALREADY = 114 "already in progress",
    EINPROGRESS = 115 "now in progress",
    ESTALE = 116 "stale handle",
    ENOTSUPP = 524 "not supported",
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.meaning()),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}
