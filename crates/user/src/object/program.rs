//! What the registry knows about a program.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use osmia_program::{Errno, Form, Program, ProgramFlags, Standing};
use osmia_verify::Reach;
use osmia_vm::map::Map;
use osmia_vm::{Code, FindVariable, HostHelper, Identity, PrepareError};

use super::{BtfObject, Digest, Owner, Table, tag};
use crate::bpf::ObjectName;

/// What a program was made for: a function of the kernel's, or of another program's.
#[derive(Debug, Default)]
pub(crate) struct AttachTo {
    /// The program to extend or to trace.
    pub(crate) program: Option<Arc<Code>>,
    /// The types `btf_id` counts in.
    pub(crate) btf: Option<Arc<BtfObject>>,
    pub(crate) btf_id: u32,
}

/// What is said about a program when it is loaded, besides its instructions.
#[derive(Debug, Default)]
pub(crate) struct ProgramAbout {
    pub(crate) name: ObjectName,
    pub(crate) digest: Digest,
    /// `expected_attach_type`.
    pub(crate) attach: u32,
    /// Nanoseconds since boot.
    pub(crate) load_time: u64,
    pub(crate) created_by_uid: u32,
    pub(crate) btf: Option<Arc<BtfObject>>,
    /// Records of `func_info_bytes` bytes.
    pub(crate) func_info: Vec<u8>,
    pub(crate) func_info_bytes: u32,
    /// Records of `line_info_bytes` bytes.
    pub(crate) line_info: Vec<u8>,
    pub(crate) line_info_bytes: u32,
    pub(crate) attach_to: AttachTo,
    /// Maps that are held and not used by any instruction.
    pub(crate) bound: Vec<Arc<Map>>,
    /// What the verifier made of it.
    pub(crate) standing: Standing,
    /// Instructions the verifier looked at.
    pub(crate) verified_insns: u32,
    /// How far it looks into what is laid out for it.
    pub(crate) reach: Reach,
}

/// What the registry knows about a program; its identity.
#[derive(Debug)]
pub(crate) struct ProgramRecord {
    id: OnceLock<u32>,
    table: Arc<Table<Code>>,
    form: OnceLock<Form>,
    pub(crate) about: ProgramAbout,
    /// Maps that are held and not used by any instruction, the later ones included.
    bound: Mutex<Vec<Arc<Map>>>,
    /// It was attached to what it was made for: later attachments may be elsewhere.
    target_left: AtomicBool,
    runs: AtomicU64,
    nanoseconds: AtomicU64,
}

/// Why there is no program.
#[derive(Debug)]
pub(crate) enum ProgramRefused {
    /// It cannot be run here.
    Prepare(PrepareError),
    /// A program array or a map of devices belongs to other programs; or ids ran out.
    Errno(Errno),
}

impl ProgramRecord {
    /// Makes a program resident and registers it.
    pub(crate) fn load(
        table: &Arc<Table<Code>>,
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        mut about: ProgramAbout,
        variable: FindVariable<'_>,
        helpers: &[HostHelper],
    ) -> Result<Arc<Code>, ProgramRefused> {
        let bound = std::mem::take(&mut about.bound);
        let record = Self {
            id: OnceLock::new(),
            table: Arc::clone(table),
            form: OnceLock::new(),
            about,
            bound: Mutex::new(bound),
            target_left: AtomicBool::new(false),
            runs: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        };
        let code = Code::prepare_as(program, maps, Box::new(record), variable, helpers)
            .map_err(ProgramRefused::Prepare)?;
        let record = Self::of(&code);
        let keep = |id| record.id.set(id).expect("nobody else gives it one");
        table.add(&code, keep).map_err(ProgramRefused::Errno)?;
        Ok(code)
    }

    /// What is known about a program of a registry.
    pub(crate) fn of(code: &Code) -> &Self {
        (code.identity()).expect("every program of a registry has a record")
    }

    /// Says what it is run as, which is known once it is resident.
    pub(crate) fn runs_as(&self, form: Form) {
        self.form.set(form).expect("it is said once");
    }

    /// What it is run as.
    pub(crate) fn form(&self) -> &Form {
        self.form.get().expect("it was said when it was loaded")
    }

    /// The tag.
    pub(crate) fn tag(&self) -> [u8; 8] {
        tag(&self.about.digest)
    }

    /// What maps that hold programs ask about it.
    pub(crate) fn owner(code: &Code) -> Owner {
        let program = code.program();
        Owner {
            kind: program.hook.kind,
            fragments: program.flags.has(ProgramFlags::XDP_HAS_FRAGS),
            attach: Self::of(code).about.attach,
        }
    }

    /// Has the program hold one more map; nothing if it does already.
    pub(crate) fn bind(code: &Code, map: &Arc<Map>) {
        let is_it = |held: &Arc<Map>| Arc::ptr_eq(held, map);
        let mut bound = Self::of(code).lock_bound();
        if !code.maps().any(is_it) && !bound.iter().any(is_it) {
            bound.push(Arc::clone(map));
        }
    }

    /// Ids of the maps it holds.
    pub(crate) fn map_ids(code: &Code) -> Vec<u32> {
        let bound = Self::of(code).lock_bound();
        code.maps()
            .chain(bound.iter())
            .map(|map| map.id())
            .collect()
    }

    /// True once it was attached to what it was made for.
    pub(crate) fn has_left_target(&self) -> bool {
        self.target_left.load(Relaxed)
    }

    /// It is attached to what it was made for, or to something else.
    pub(crate) fn leave_target(&self) {
        self.target_left.store(true, Relaxed);
    }

    /// Counts runs.
    pub(crate) fn ran(&self, times: u64, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.runs.fetch_add(times, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// Runs counted so far, and nanoseconds they took.
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.runs.load(Relaxed), self.nanoseconds.load(Relaxed))
    }

    fn lock_bound(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Map>>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity for ProgramRecord {
    fn id(&self) -> u32 {
        self.id.get().copied().unwrap_or(0)
    }
}

impl Drop for ProgramRecord {
    fn drop(&mut self) {
        self.table.remove(self.id());
    }
}
