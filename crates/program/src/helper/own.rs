//! Helpers that a place has besides Linux's: an application's own, told by prototype so that
//! verification holds programs to it.

use super::{Arg, Callers, Helper, Prototype, Returns};

/// The least number such a helper may have; Linux's are far below.
pub const OWN_START: u32 = 1000;

/// Why a helper cannot be an application's own.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOwn {
    /// Its number may be one of Linux's, or is none.
    #[error("its number is {0}; numbers go from {OWN_START} to {max}", max = i32::MAX)]
    Number(u32),
    /// There are five registers for arguments.
    #[error("it has {0} arguments, at most five are possible")]
    Arguments(usize),
    /// An argument, from 1, whose meaning is the kernel's.
    #[error("argument {0} is of a kind that only Linux's own helpers take")]
    Kind(usize),
    /// Memory, the argument from 1, of which no next argument says how long it is.
    #[error("argument {0} is memory, and the next one is not its size")]
    NoSize(usize),
    /// A size, the argument from 1, of nothing.
    #[error("argument {0} is a size, and the one before is not memory")]
    NoMemory(usize),
    /// It returns what only the kernel's helpers do.
    #[error("it returns what only Linux's own helpers do; numbers and nothing can be returned")]
    Returns,
}

impl Helper {
    /// A helper that is none of Linux's: every program may call it, under any licence. Whether it can
    /// be one, [`Helper::check_own`] says.
    pub const fn own(id: u32, name: &'static str, args: &'static [Arg], returns: Returns) -> Self {
        Self::new(id, name, Callers::ALL, args, returns)
    }

    /// True if it is none of Linux's.
    pub const fn is_own(&self) -> bool {
        self.id >= OWN_START
    }

    /// Whether an application can have it.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check_own(&self) -> Result<(), NotOwn> {
        let Prototype { args, returns } = self.prototype;
        if !self.is_own() || i32::try_from(self.id).is_err() {
            return Err(NotOwn::Number(self.id));
        }
        if args.len() > 5 {
            return Err(NotOwn::Arguments(args.len()));
        }
        for (index, arg) in args.iter().enumerate() {
            let number = index + 1;
            let before = index.checked_sub(1).map(|before| args[before]);
            match arg {
                Arg::Scalar | Arg::FixedRead(_) | Arg::FixedWrite(_) | Arg::FixedReadWrite(_) => {}
                Arg::Size | Arg::SizeOrZero if before.is_some_and(Arg::has_size) => {}
                Arg::Size | Arg::SizeOrZero => return Err(NotOwn::NoMemory(number)),
                arg if arg.has_size() => match args.get(number) {
                    Some(Arg::Size | Arg::SizeOrZero) => {}
                    _ => return Err(NotOwn::NoSize(number)),
                },
                _ => return Err(NotOwn::Kind(number)),
            }
        }
        match returns {
            Returns::Void | Returns::Scalar => Ok(()),
            _ => Err(NotOwn::Returns),
        }
    }
}

impl Arg {
    /// True for memory whose size the next argument says.
    pub const fn has_size(self) -> bool {
        matches!(
            self,
            Arg::Read | Arg::ReadOrNull | Arg::Write | Arg::WriteOrNull | Arg::ReadWrite
        )
    }

    /// True for memory that the helper reads.
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Arg::Read
                | Arg::ReadOrNull
                | Arg::ReadWrite
                | Arg::FixedRead(_)
                | Arg::FixedReadWrite(_)
        )
    }

    /// True for memory that the helper writes.
    pub const fn is_written(self) -> bool {
        matches!(
            self,
            Arg::Write
                | Arg::WriteOrNull
                | Arg::ReadWrite
                | Arg::FixedWrite(_)
                | Arg::FixedReadWrite(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Arg, Helper, NotOwn, Returns};

    fn check(id: u32, args: &'static [Arg], returns: Returns) -> Result<(), NotOwn> {
        Helper::own(id, "own", args, returns).check_own()
    }

    #[test]
    fn numbers_and_memory_with_its_size_are_what_applications_take() {
        let args = &[Arg::Scalar, Arg::Read, Arg::Size, Arg::FixedWrite(8)];
        assert_eq!(check(1000, args, Returns::Scalar), Ok(()));
        assert_eq!(check(i32::MAX as u32, &[], Returns::Void), Ok(()));
    }

    #[test]
    fn what_only_the_kernel_knows_is_refused() {
        let scalar = Returns::Scalar;
        assert_eq!(check(211, &[], scalar), Err(NotOwn::Number(211)));
        let six = &[Arg::Scalar; 6];
        assert_eq!(check(1000, six, scalar), Err(NotOwn::Arguments(6)));
        let map = &[Arg::Scalar, Arg::Map];
        assert_eq!(check(1000, map, scalar), Err(NotOwn::Kind(2)));
        let endless = &[Arg::Read, Arg::Scalar];
        assert_eq!(check(1000, endless, scalar), Err(NotOwn::NoSize(1)));
        let nothing = &[Arg::Scalar, Arg::Size];
        assert_eq!(check(1000, nothing, scalar), Err(NotOwn::NoMemory(2)));
        let value = Returns::MapValueOrNull;
        assert_eq!(check(1000, &[], value), Err(NotOwn::Returns));
    }
}
