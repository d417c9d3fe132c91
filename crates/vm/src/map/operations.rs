//! `struct_ops`: a table of kernel operations, implemented by programs.
//!
//! The value is a structure of the kernel's (`bpf_struct_ops_NAME`): a head that says in which state
//! the table is, then the table. An update of key 0 checks it and registers it, deleting the key
//! takes it back; a table with `BPF_F_LINK` is only made ready, a link registers it
//! (`kernel/bpf/bpf_struct_ops.c`, read in 6.18).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_btf::{Btf, Kind, Member, TypeId};
use osmia_program::{Errno, MapFlags, MapSpec, UpdateMode};

use super::array::index_of;
use super::error::BrokenRule;
use super::runs::Runs;
use crate::Identity;

/// Where the head says how often the table is used, and in which state it is.
const REFCOUNT: usize = 0;
const STATE: usize = 4;
/// What the kernel's structure of a table's value is called, before the table's own name.
const PREFIX: &str = "bpf_struct_ops_";

/// The state of a table (`enum bpf_struct_ops_state`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum OperationsState {
    /// Nothing was said yet.
    Init = 0,
    /// Registered.
    InUse = 1,
    /// Taken back; the map cannot be used again.
    ToBeFreed = 2,
    /// Checked; a link may register it.
    Ready = 3,
}

/// Makes a program of the descriptor for a function.
pub type Resolve<'a> = dyn FnMut(&Function, i32) -> Result<Arc<dyn Identity>, Errno> + 'a;

/// A table of operations.
#[derive(Debug)]
pub struct Operations {
    layout: Layout,
    value_bytes: usize,
    linked: bool,
    runs: Arc<Runs>,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    state: OperationsState,
    /// As it was checked, programs by id.
    value: Vec<u8>,
    /// Programs by the offset of the pointer to them.
    programs: BTreeMap<u32, Arc<dyn Identity>>,
}

/// A function of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name: `ssthresh`.
    pub name: String,
    /// The position of the member that points to it, which is what its program expects to be
    /// attached to.
    pub member: u32,
}

/// What is where in a value.
#[derive(Debug)]
struct Layout {
    /// The table's own name.
    name: String,
    /// The functions, by the offset of the pointer to each.
    functions: BTreeMap<u32, Function>,
    /// Offset and bytes of the members a subsystem takes as they are, by name.
    plain: BTreeMap<String, (u32, u32)>,
    /// Offset and bytes of all other members, which are zero.
    other: Vec<(u32, u32)>,
    /// True for bytes between members.
    holes: Vec<bool>,
}

/// Who in the kernel takes tables of operations, and what it asks of them.
struct Subsystem {
    name: &'static str,
    /// Members it looks at besides functions.
    plain: &'static [&'static str],
    /// Of each of these groups one function must be there.
    needed: &'static [&'static [&'static str]],
    /// Bits that the member `flags` may have.
    flags: u32,
    /// It takes tables at all; some are for test runs only.
    registers: bool,
    /// A table can be replaced while it is registered.
    replaces: bool,
}

const SUBSYSTEMS: &[Subsystem] = &[
    Subsystem {
        name: "tcp_congestion_ops",
        plain: &["name", "flags"],
        needed: &[
            &["ssthresh"],
            &["undo_cwnd"],
            &["cong_avoid", "cong_control"],
        ],
        // `TCP_CONG_NON_RESTRICTED | TCP_CONG_NEEDS_ECN`
        flags: 3,
        registers: true,
        replaces: true,
    },
    Subsystem {
        name: "bpf_dummy_ops",
        plain: &[],
        needed: &[],
        flags: 0,
        registers: false,
        replaces: false,
    },
];

/// Any other table that the kernel's types describe: members are taken as they are, and nothing is
/// known of what a subsystem would refuse.
const OTHER: &Subsystem = &Subsystem {
    name: "",
    plain: &[],
    needed: &[],
    flags: u32::MAX,
    registers: true,
    replaces: true,
};

impl Operations {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let types = spec.btf.as_ref().ok_or(BrokenRule::NoTypes)?;
        let value = types.value.ok_or(BrokenRule::NoTypes)?;
        let layout = Layout::of(&types.btf, value).ok_or(BrokenRule::NoOperations)?;
        if layout.holes.len() != spec.value_size as usize {
            return Err(BrokenRule::OtherTypes);
        }
        Ok(Self {
            value_bytes: layout.holes.len(),
            layout,
            linked: spec.flags.has(MapFlags::LINK),
            runs: Arc::clone(runs),
            table: Mutex::new(Table {
                state: OperationsState::Init,
                value: Vec::new(),
                programs: BTreeMap::new(),
            }),
        })
    }

    /// The state.
    pub fn state(&self) -> OperationsState {
        self.lock().state
    }

    /// The name of the kernel's table: `tcp_congestion_ops`.
    pub fn name(&self) -> &str {
        &self.layout.name
    }

    /// The function at an offset of the value.
    pub fn function(&self, offset: u32) -> Option<&Function> {
        self.layout.functions.get(&offset)
    }

    /// The program of the function at an offset.
    pub fn program(&self, offset: u32) -> Option<Arc<dyn Identity>> {
        self.lock().programs.get(&offset).cloned()
    }

    /// Makes a program the function at an offset; `EINVAL` if no function is there, `EBUSY` if the
    /// table was checked already.
    pub(super) fn set_program(&self, offset: u32, program: Arc<dyn Identity>) -> Result<(), Errno> {
        self.function(offset).ok_or(Errno::EINVAL)?;
        let mut table = self.lock();
        if table.state != OperationsState::Init {
            return Err(Errno::EBUSY);
        }
        table.programs.insert(offset, program);
        Ok(())
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        if index_of(key)? != 0 {
            return Err(Errno::ENOENT);
        }
        let table = self.lock();
        if table.state == OperationsState::Init {
            return Ok(vec![0; self.value_bytes]);
        }
        let mut value = table.value.clone();
        value[STATE..STATE + 4].copy_from_slice(&(table.state as u32).to_ne_bytes());
        let uses = u32::from(table.state == OperationsState::InUse);
        value[REFCOUNT..REFCOUNT + 4].copy_from_slice(&uses.to_ne_bytes());
        Ok(value)
    }

    /// Checks a table and registers it. What a pointer to a function holds is a descriptor that
    /// `resolve` makes a program of; 0 leaves the program that was put there before.
    pub fn update(
        &self,
        key: &[u8],
        value: &[u8],
        mode: UpdateMode,
        resolve: &mut Resolve<'_>,
    ) -> Result<(), Errno> {
        let index = index_of(key)?;
        if mode != UpdateMode::Any || value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        if index != 0 {
            return Err(Errno::E2BIG);
        }
        let layout = &self.layout;
        let hole = |(byte, hole): (&u8, &bool)| *hole && *byte != 0;
        if value.iter().zip(&layout.holes).any(hole) || value[..8] != [0; 8] {
            return Err(Errno::EINVAL);
        }
        let mut table = self.lock();
        if table.state != OperationsState::Init {
            return Err(Errno::EBUSY);
        }
        let subsystem = layout.subsystem();
        if !subsystem.registers {
            return Err(Errno::EOPNOTSUPP);
        }
        let part = |at: u32, bytes: u32| &value[at as usize..(at + bytes) as usize];
        let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        if !layout
            .other
            .iter()
            .all(|(at, bytes)| zero(part(*at, *bytes)))
        {
            return Err(Errno::EINVAL);
        }
        let mut programs = table.programs.clone();
        for (at, function) in &layout.functions {
            // The kernel, too, looks at the lower half only.
            let descriptor = i32::from_ne_bytes(part(*at, 4).try_into().expect("four"));
            if descriptor != 0 {
                programs.insert(*at, resolve(function, descriptor)?);
            }
        }
        subsystem.check(layout, &programs, value)?;
        let mut kept = value.to_vec();
        for (at, program) in &programs {
            let at = *at as usize;
            kept[at..at + 8].copy_from_slice(&u64::from(program.id()).to_ne_bytes());
        }
        if !self.linked {
            self.register(subsystem, value)?;
        }
        (table.value, table.programs) = (kept, programs);
        table.state = match self.linked {
            true => OperationsState::Ready,
            false => OperationsState::InUse,
        };
        Ok(())
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        index_of(key)?;
        if self.linked {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut table = self.lock();
        match table.state {
            OperationsState::InUse => {
                table.state = OperationsState::ToBeFreed;
                self.take_back(&table.value);
                Ok(())
            }
            OperationsState::ToBeFreed => Err(Errno::EINPROGRESS),
            _ => Err(Errno::ENOENT),
        }
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        match key.map(index_of).transpose()? {
            Some(0) => Err(Errno::ENOENT),
            _ => Ok(vec![0; 4]),
        }
    }

    /// True if a link may register it.
    pub fn is_ready(&self) -> bool {
        self.linked && self.state() == OperationsState::Ready
    }

    /// True if its subsystem lets a link put another table in its place.
    pub fn can_be_replaced(&self) -> bool {
        self.layout.subsystem().replaces
    }

    /// For a link: takes the place of another table of the same subsystem, whose name it has to have.
    pub fn replace(&self, before: &Operations) -> Result<(), Errno> {
        let named = |table: &Operations| table.layout.named(&table.lock().value);
        match named(self) == named(before) {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }

    /// For a link: registers a table that is ready; `EINVAL` if it is not.
    pub fn link(&self) -> Result<(), Errno> {
        let table = self.lock();
        if !self.linked || table.state != OperationsState::Ready {
            return Err(Errno::EINVAL);
        }
        self.register(self.layout.subsystem(), &table.value)
    }

    /// For a link that goes: takes the table back. It stays ready.
    pub fn unlink(&self) {
        self.take_back(&self.lock().value);
    }

    fn register(&self, subsystem: &Subsystem, value: &[u8]) -> Result<(), Errno> {
        if subsystem.name.is_empty() {
            return Ok(());
        }
        let new = (self.runs.registered()).insert((subsystem.name, self.layout.named(value)));
        new.then_some(()).ok_or(Errno::EEXIST)
    }

    fn take_back(&self, value: &[u8]) {
        let name = (self.layout.subsystem().name, self.layout.named(value));
        self.runs.registered().remove(&name);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        if self.lock().state == OperationsState::InUse {
            let value = std::mem::take(&mut self.lock().value);
            self.take_back(&value);
        }
    }
}

impl Subsystem {
    /// The one that takes tables of this name.
    fn of(name: &str) -> &'static Self {
        let mut known = SUBSYSTEMS.iter();
        known
            .find(|subsystem| subsystem.name == name)
            .unwrap_or(OTHER)
    }

    /// True if it looks at a member that is no function.
    fn takes(&self, member: &str) -> bool {
        self.name.is_empty() || self.plain.contains(&member)
    }

    fn check(
        &self,
        layout: &Layout,
        programs: &BTreeMap<u32, Arc<dyn Identity>>,
        value: &[u8],
    ) -> Result<(), Errno> {
        let there = |function: &str| {
            let mut offsets = programs.keys();
            offsets.any(|at| {
                layout
                    .functions
                    .get(at)
                    .is_some_and(|known| known.name == function)
            })
        };
        let flags = layout.member("flags", value).map_or(0, |bytes| {
            bytes.try_into().map_or(u32::MAX, u32::from_ne_bytes)
        });
        let unnamed = self.plain.contains(&"name") && layout.named(value).is_empty();
        let lacks = |group: &&[&str]| !group.iter().any(|function| there(function));
        if flags & !self.flags != 0 || unnamed || self.needed.iter().any(lacks) {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }
}

impl Layout {
    /// The layout of a value; `None` if the type is not one of a table that is known here.
    fn of(btf: &Btf, value: TypeId) -> Option<Self> {
        let value = btf.ty(value)?;
        let name = value.name().strip_prefix(PREFIX)?.to_owned();
        let subsystem = Subsystem::of(&name);
        let whole = value.composite()?;
        let data = whole.members().find(|member| member.name == "data")?;
        let start = data.bit_offset / 8;
        let mut layout = Self {
            name,
            functions: BTreeMap::new(),
            plain: BTreeMap::new(),
            other: Vec::new(),
            holes: vec![true; whole.size as usize],
        };
        // The head is checked by itself.
        layout.holes.get_mut(..8)?.fill(false);
        for (index, member) in btf.resolve(data.ty).composite()?.members().enumerate() {
            let at = start.checked_add(member.bit_offset / 8)?;
            let bytes = u32::try_from(btf.size_of(member.ty)?).ok()?;
            let range = at as usize..at.checked_add(bytes)? as usize;
            layout.holes.get_mut(range)?.fill(false);
            if is_function(btf, &member) {
                let function = Function {
                    name: member.name.to_owned(),
                    member: index as u32,
                };
                layout.functions.insert(at, function);
            } else if subsystem.takes(member.name) {
                layout.plain.insert(member.name.to_owned(), (at, bytes));
            } else {
                layout.other.push((at, bytes));
            }
        }
        Some(layout)
    }

    fn subsystem(&self) -> &'static Subsystem {
        Subsystem::of(&self.name)
    }

    fn member<'v>(&self, name: &str, value: &'v [u8]) -> Option<&'v [u8]> {
        let (at, bytes) = self.plain.get(name)?;
        value.get(*at as usize..(*at + *bytes) as usize)
    }

    /// The name that tells a table from others of its subsystem.
    fn named(&self, value: &[u8]) -> Vec<u8> {
        let name = self.member("name", value).unwrap_or_default();
        name.split(|byte| *byte == 0)
            .next()
            .unwrap_or_default()
            .to_vec()
    }
}

/// True for a member that points to a function.
fn is_function(btf: &Btf, member: &Member<'_>) -> bool {
    match btf.resolve(member.ty).body() {
        osmia_btf::Body::Ptr(target) => btf.resolve(target).kind() == Kind::FuncProto,
        _ => false,
    }
}
