//! The helpers of Linux: one table by number, with what is known about calling each of them.
//!
//! Numbers and names are those of `enum bpf_func_id`, argument and return classes those of the
//! prototypes in the kernel (read in 6.12). What a helper does is not known here.

mod table;

/// Every helper; the position is the number.
pub static ALL: &[Helper] = &table::ALL;

/// A helper.
#[derive(Debug)]
pub struct Helper {
    /// Its number.
    pub id: u32,
    /// Its name as programs write it: `bpf_map_lookup_elem`.
    pub name: &'static str,
    /// Which programs may call it on Linux, for people.
    pub availability: &'static str,
    /// How it is called, where that is described.
    pub prototype: Option<&'static Prototype>,
    /// Only for programs under a licence compatible with the GPL.
    pub gpl_only: bool,
    /// Addresses into the packet from before the call are invalid after it.
    pub moves_packet: bool,
}

/// How a helper is called.
#[derive(Debug, PartialEq, Eq)]
pub struct Prototype {
    /// r1 to r5.
    pub args: &'static [Arg],
    /// r0.
    pub returns: Returns,
}

/// What an argument must be.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Any number.
    Scalar,
    /// A map.
    Map,
    /// Bytes of the map's key size to read.
    MapKey,
    /// Bytes of the map's value size to read.
    MapValue,
    /// The same, or null for zeroes.
    MapValueOrNull,
    /// Room for a value of the map.
    MapValueOut,
    /// The context.
    Context,
    /// Bytes to read; the next argument is how many.
    Read,
    /// The same, or null with a size of 0.
    ReadOrNull,
    /// Room to write; the next argument is how many bytes.
    Write,
    /// The same, or null with a size of 0.
    WriteOrNull,
    /// How many bytes the argument before has, not 0.
    Size,
    /// How many bytes the argument before has.
    SizeOrZero,
    /// A zero-terminated string in a read-only map.
    ConstString,
    /// Room for a 64-bit number.
    LongOut,
    /// So many bytes, to read and for some helpers to write.
    Fixed(u32),
    /// A function of the program.
    Function,
    /// An address in the stack, or null.
    StackOrNull,
    /// A reservation in a ring buffer, which the call ends.
    Reservation,
    /// A `struct bpf_spin_lock` in a map value or an object.
    SpinLock,
    /// A `struct bpf_timer` in a map value.
    Timer,
    /// A pointer to an object, in a map value or an object.
    Kptr,
    /// A reference to an object, or null; the call takes it.
    ObjectOrNull,
    /// A `struct bpf_dynptr` that was made.
    Dynptr,
    /// Room for a `struct bpf_dynptr` that the call makes.
    DynptrOut,
    /// A socket, or null where the helper takes none.
    Socket,
    /// The kernel object that a value of the local storage belongs to, or null for no effect.
    Owner,
}

/// What a helper returns.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nothing of use.
    Void,
    /// A number.
    Scalar,
    /// The address of a map value, or null.
    MapValueOrNull,
    /// The address of a ring buffer reservation, or null.
    ReservationOrNull,
    /// The address of a socket, or null.
    SocketOrNull,
    /// A reference to an object, or null.
    ObjectOrNull,
    /// The address of bytes of a dynptr, or null.
    BytesOrNull,
}

impl Returns {
    /// True if the result is an address that may be null.
    pub const fn may_be_null(self) -> bool {
        matches!(
            self,
            Returns::MapValueOrNull
                | Returns::ReservationOrNull
                | Returns::SocketOrNull
                | Returns::ObjectOrNull
                | Returns::BytesOrNull
        )
    }
}

impl Prototype {
    const fn new(args: &'static [Arg], returns: Returns) -> Self {
        Self { args, returns }
    }
}

impl Helper {
    const fn new(id: u32, name: &'static str, availability: &'static str) -> Self {
        Self {
            id,
            name,
            availability,
            prototype: None,
            gpl_only: false,
            moves_packet: false,
        }
    }

    const fn with(mut self, prototype: &'static Prototype) -> Self {
        self.prototype = Some(prototype);
        self
    }

    const fn gpl(mut self) -> Self {
        self.gpl_only = true;
        self
    }

    const fn moves_packet(mut self) -> Self {
        self.moves_packet = true;
        self
    }
}

/// The helper of this number.
pub fn by_id(id: u32) -> Option<&'static Helper> {
    ALL.get(id as usize)
}

/// The helper of this name, with or without `bpf_`.
pub fn by_name(name: &str) -> Option<&'static Helper> {
    let bare = name.strip_prefix("bpf_").unwrap_or(name);
    ALL.iter().find(|helper| &helper.name[4..] == bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_is_the_number() {
        for (position, helper) in ALL.iter().enumerate() {
            assert_eq!(helper.id as usize, position);
            assert!(helper.name.starts_with("bpf_"));
        }
    }

    #[test]
    fn a_size_follows_every_buffer() {
        for helper in ALL {
            let Some(prototype) = helper.prototype else {
                continue;
            };
            for (position, arg) in prototype.args.iter().enumerate() {
                let sized = matches!(
                    arg,
                    Arg::Read | Arg::ReadOrNull | Arg::Write | Arg::WriteOrNull
                );
                let size = prototype.args.get(position + 1);
                let follows = matches!(size, Some(Arg::Size | Arg::SizeOrZero));
                assert!(!sized || follows, "{}", helper.name);
            }
        }
    }

    /// What `gpl_only` says in the prototypes of Linux 6.12.
    #[test]
    fn helpers_reserved_for_gpl_programs() {
        let reserved: Vec<u32> = ALL
            .iter()
            .filter(|helper| helper.gpl_only)
            .map(|helper| helper.id)
            .collect();
        assert_eq!(
            reserved,
            [
                4, 6, 22, 25, 27, 35, 36, 45, 55, 56, 58, 67, 69, 77, 78, 92, 100, 110, 111, 112,
                113, 114, 115, 119, 121, 126, 127, 150, 158, 163, 165, 169, 170, 171, 172, 173,
                175, 176, 177, 191, 204, 205, 206, 207
            ]
        );
    }

    #[test]
    fn names_and_numbers_agree() {
        assert_eq!(by_name("bpf_map_lookup_elem").unwrap().id, 1);
        assert_eq!(by_name("ringbuf_reserve").unwrap().id, 131);
        assert_eq!(by_id(211).unwrap().name, "bpf_cgrp_storage_delete");
        assert!(by_id(212).is_none());
        assert!(by_name("bpf_no_such_thing").is_none());
    }
}
