//! What helpers may ask of the engine that runs a program.
//!
//! Helpers are written once against [`Guest`]; the interpreter implements it with checked
//! addresses, native code can with real ones. This module does not know either form.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::fields::{Allocated, FieldKind, Fields, ObjectType};
use crate::heap::{Heap, Object, ObjectAccess, Tag};
use crate::map::{Element, Map, Reservation};
use crate::memory::{Block, Shape};
use crate::packet::Packet;
use crate::trap::Trap;
use crate::world::World;

/// Why a helper could not do its work in a way the program must not survive.
#[derive(Debug)]
pub enum Fault {
    /// A pointer argument does not allow the access.
    Access {
        /// Which argument, from 1.
        argument: usize,
        /// The address.
        address: u64,
        /// Bytes.
        bytes: u64,
        /// Store instead of load.
        write: bool,
    },
    /// An argument makes no sense.
    Argument {
        /// Which, from 1.
        argument: usize,
        /// What is wrong, as a phrase that follows "argument 1".
        what: String,
    },
    /// The call is out of place, whatever its arguments are.
    Misuse {
        /// What it does, as a phrase that follows its name.
        what: String,
    },
    /// The program throws an exception.
    Thrown {
        /// What it throws.
        cookie: u64,
    },
    /// A callback trapped.
    Trap(Box<Trap>),
    /// Nothing went wrong: the helper ends the program, whatever function it is in.
    End {
        /// What the program returns.
        value: u64,
    },
}

/// The memory and the functions of a running program.
pub trait Guest: Sized {
    /// Copies bytes out of the program's memory; false, and nothing copied, if it may not read them.
    fn read(&self, address: u64, out: &mut [u8]) -> bool;
    /// Copies bytes out of wherever an address leads that nothing is known about; false, and nothing
    /// copied, if that is not the program's memory.
    fn probe(&self, address: u64, out: &mut [u8]) -> bool {
        self.read(address, out)
    }
    /// Copies bytes into the program's memory; false, and nothing copied, if it may not write them.
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool;
    /// True if the program may read (or write) all these bytes.
    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool;
    /// True if this is the program's context.
    fn is_context(&self, address: u64) -> bool;
    /// The map a value of the program stands for.
    fn map(&self, handle: u64) -> Option<&Arc<Map>>;
    /// Address of an element of a map; `None` if there are no addresses left.
    fn element_address(&mut self, handle: u64, element: Element) -> Option<u64>;
    /// A value that stands for a map which was not known before the run.
    fn inner_handle(&mut self, map: Arc<Map>) -> Option<u64>;
    /// Shows a key to a callback until the frame's next one.
    fn key_address(&mut self, key: &[u8]) -> Option<u64>;
    /// Address of a reservation in a ring buffer; discards it if there are no addresses left.
    fn show_reservation(&mut self, map: &Arc<Map>, reservation: Reservation) -> Option<u64>;
    /// The reservation that starts at an address, which is invalid from now on.
    fn take_reservation(&mut self, address: u64) -> Option<(Arc<Map>, Reservation)>;
    /// Slabs were added to the heap: shows them, too.
    fn heap_grew(&mut self, heap: &Heap);
    /// Shows memory until the run ends or it is hidden; `None` if there are no addresses left.
    fn show(&mut self, block: &Arc<Block>, shape: Shape) -> Option<u64>;
    /// Makes an address that `show` gave invalid.
    fn hide(&mut self, address: u64);
    /// The map, the element and the offset in it of an address inside of a map's value.
    fn value_at(&self, address: u64) -> Option<(Arc<Map>, Element, usize)>;
    /// The program a function belongs to, for calling it later; `None` if it is no function.
    fn code_of(&self, function: u64) -> Option<Arc<dyn Any + Send + Sync>>;
    /// The structure of the program's BTF that objects can be made of.
    fn object_type(&self, id: u64) -> Option<Arc<ObjectType>>;
    /// Address of a position in the packet's buffer.
    fn packet_address(&self, position: usize) -> u64;
    /// The packet was moved or resized: addresses from before must not be used any more.
    fn packet_moved(&mut self, packet: &Packet);
    /// Calls a function of the program by its address.
    ///
    /// # Errors
    /// If it is not a function or the function traps.
    fn invoke(
        &mut self,
        world: &mut World,
        function: u64,
        argument: usize,
        args: [u64; 5],
    ) -> Result<u64, Fault>;
}

/// Where a special field is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) block: Arc<Block>,
    pub(crate) element: usize,
    pub(crate) offset: usize,
    pub(crate) holder: Holder,
}

/// What a special field is part of.
#[derive(Debug)]
pub(crate) enum Holder {
    /// A map's value.
    Value { map: Arc<Map>, element: Element },
    /// An object.
    Object,
}

impl Place {
    /// The field's first word. Fields are aligned.
    pub(crate) fn word(&self) -> &AtomicU64 {
        &self.block.words(self.element)[self.offset / 8]
    }
}

/// One call of a helper: its arguments and everything it may touch.
#[derive(Debug)]
pub struct Call<'a, G: Guest> {
    /// The engine.
    pub guest: &'a mut G,
    /// The world.
    pub world: &'a mut World,
    /// r1 to r5.
    pub args: [u64; 5],
}

impl<G: Guest> Call<'_, G> {
    /// Reads all of `out` from where argument `argument` (from 1) points.
    ///
    /// # Errors
    /// If the program may not read it.
    #[inline]
    pub fn read(&self, argument: usize, out: &mut [u8]) -> Result<(), Fault> {
        let address = self.args[argument - 1];
        if self.guest.read(address, out) {
            return Ok(());
        }
        Err(Fault::Access {
            argument,
            address,
            bytes: out.len() as u64,
            write: false,
        })
    }

    /// Writes all of `bytes` to where argument `argument` (from 1) points.
    ///
    /// # Errors
    /// If the program may not write it.
    #[inline]
    pub fn write(&mut self, argument: usize, bytes: &[u8]) -> Result<(), Fault> {
        let address = self.args[argument - 1];
        if self.guest.write(address, bytes) {
            return Ok(());
        }
        Err(Fault::Access {
            argument,
            address,
            bytes: bytes.len() as u64,
            write: true,
        })
    }

    /// Checks that the program may write `bytes` bytes where an argument points.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_write(&self, argument: usize, bytes: u32) -> Result<(), Fault> {
        let address = self.args[argument - 1];
        if self.guest.allows(address, bytes, true) {
            return Ok(());
        }
        Err(Fault::Access {
            argument,
            address,
            bytes: u64::from(bytes),
            write: true,
        })
    }

    /// Reads `bytes` bytes into a buffer of the world's that is handed back with [`World::reuse`].
    ///
    /// # Errors
    /// If the program may not read them.
    pub fn bytes(&mut self, argument: usize, bytes: usize) -> Result<Vec<u8>, Fault> {
        let address = self.args[argument - 1];
        let denied = Fault::Access {
            argument,
            address,
            bytes: bytes as u64,
            write: false,
        };
        // Checked before the buffer grows: a program chooses the length.
        let len = u32::try_from(bytes).unwrap_or(u32::MAX);
        if !self.guest.allows(address, len, false) {
            return Err(denied);
        }
        let mut buffer = self.world.buffer(bytes);
        if self.guest.read(address, &mut buffer) {
            Ok(buffer)
        } else {
            Err(denied)
        }
    }

    /// Makes an object on the heap; `None` if there is no room.
    pub fn allocate(&mut self, bytes: usize, access: ObjectAccess, tag: Tag) -> Option<u64> {
        let runs = &self.world.runs;
        let address = runs.heap().allocate(runs, bytes, access, tag)?;
        self.guest.heap_grew(runs.heap());
        Some(address)
    }

    /// The object an argument (from 1) points to the start of.
    ///
    /// # Errors
    /// If it points to none.
    pub fn object(&self, argument: usize, what: &str) -> Result<Object, Fault> {
        let address = self.args[argument - 1];
        (self.world.runs.heap().object(address))
            .filter(|object| object.offset == 0)
            .ok_or_else(|| Fault::Argument {
                argument,
                what: format!("is {address:#x}, not {what}"),
            })
    }

    /// The special field that an argument (from 1) points to, if it is one that is wanted.
    ///
    /// # Errors
    /// If it points to none.
    pub(crate) fn field(
        &self,
        argument: usize,
        wanted: impl Fn(&FieldKind) -> bool,
        what: &str,
    ) -> Result<(Place, FieldKind), Fault> {
        let address = self.args[argument - 1];
        let found = self.place(address).and_then(|(place, fields)| {
            let kind = fields.at(place.offset)?.kind.clone();
            wanted(&kind).then_some((place, kind))
        });
        found.ok_or_else(|| Fault::Argument {
            argument,
            what: format!("is {address:#x}, not the address of {what}"),
        })
    }

    /// Where an address inside of something with special fields is.
    fn place(&self, address: u64) -> Option<(Place, Arc<Fields>)> {
        if let Some((map, element, offset)) = self.guest.value_at(address) {
            let fields = Arc::clone(map.fields()?);
            let place = Place {
                block: Arc::clone(map.values()?),
                element: element.index(),
                offset,
                holder: Holder::Value { map, element },
            };
            return Some((place, fields));
        }
        let object = self.world.runs.heap().object(address)?;
        let allocated = object.payload::<Allocated>()?;
        let (block, element) = object.cell();
        let place = Place {
            block: Arc::clone(block),
            element,
            offset: object.offset,
            holder: Holder::Object,
        };
        Some((place, Arc::clone(allocated.ty.fields.as_ref()?)))
    }

    /// Checks that an argument is the program's context.
    ///
    /// # Errors
    /// If it is not.
    pub fn context(&self, argument: usize) -> Result<(), Fault> {
        if self.guest.is_context(self.args[argument - 1]) {
            return Ok(());
        }
        Err(Fault::Argument {
            argument,
            what: format!("is {:#x}, not the context", self.args[argument - 1]),
        })
    }
}
