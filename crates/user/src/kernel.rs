//! The kernel of the user-space host: the registry of live objects and the machine they run on.
//!
//! It hands out ids and makes objects; who holds them is the business of [`crate::Process`] (file
//! descriptors), of pins and links, and of [`crate::UserHost`] (handles). It has no commands.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use osmia_btf::{Btf, Kind};
use osmia_diag::Diagnostic;
use osmia_program::{
    Fault, Form, HostError, Interpreted, MapKind, MapSpec, Program, ProgramKind, Record, Run,
    Standing, Target,
};
use osmia_verify::{Reject, Replaced};
use osmia_vm::map::{Map, Runs};
use osmia_vm::net::Network;
use osmia_vm::{
    Clock, Code, Environment, HostHelper, InputError, Layer, Machine, SystemCalls, Trap,
};

use crate::attach::Attachments;
use crate::link::Link;
use crate::machines::Machines;
use crate::object::{
    BtfObject, MapAbout, MapRecord, MapRefused, MapUse, ProgramAbout, ProgramRecord,
    ProgramRefused, Table,
};
use crate::pin::PinTree;
use crate::proof::Proof;
use crate::repeats::{Loads, Repeats};
use crate::verdict::{self, Judgement};
use crate::{Process, UserOptions, codes, limits, native};

/// The loopback interface: the first in every namespace.
const LOOPBACK: u32 = 1;

/// Where the kernel's functions begin (`__START_KERNEL` of x86-64), and how far apart they are here.
const TEXT_START: u64 = 0xffff_ffff_8100_0000;
const FUNCTION_BYTES: u64 = 16;

/// The registry of live objects, and the machine.
#[derive(Debug)]
pub struct Kernel {
    target: Target,
    runs: Arc<Runs>,
    machines: Machines,
    boot: Mutex<Clock>,
    programs: Arc<Table<Code>>,
    maps: Arc<Table<Map>>,
    btfs: Arc<Table<BtfObject>>,
    /// The kernel's own types.
    vmlinux: Option<Arc<BtfObject>>,
    /// Types that handles, not descriptors, brought along; many programs share one.
    shared_btfs: Mutex<Vec<Weak<BtfObject>>>,
    /// Maps that programs send records through.
    event_maps: Mutex<Vec<Weak<Map>>>,
    links: Arc<Table<Link>>,
    attachments: Arc<Attachments>,
    pins: PinTree,
    network: Arc<Network>,
    /// Programs that come by handle are not verified.
    unverified: bool,
    /// Helpers of the application.
    helpers: Vec<HostHelper>,
    /// Programs that are verified become machine code.
    native: bool,
    /// Programs that were loaded before.
    repeats: Repeats,
    /// How many want runs to be counted.
    counting: AtomicUsize,
    /// Processes there have been: they are spread over the CPUs.
    processes: AtomicU32,
}

/// Somebody who wants runs to be counted, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counting(Arc<Kernel>);

impl Counting {
    pub(crate) fn of(kernel: &Arc<Kernel>) -> Self {
        kernel.counting.fetch_add(1, SeqCst);
        Self(Arc::clone(kernel))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.counting.fetch_sub(1, SeqCst);
    }
}

/// Why a run did not come to an end.
#[derive(Debug)]
pub(crate) enum RunFailed {
    /// The input is not what programs of this type take.
    Input(InputError),
    /// The program did what it may not.
    Trap(Box<Trap>),
}

impl Kernel {
    /// A kernel for a machine as described.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(options: UserOptions) -> Result<Arc<Self>, HostError> {
        let target = options.target();
        let mut environment = Environment {
            insns_max: options.insns_max,
            network: Arc::clone(&options.network),
            types: target.btf.clone(),
            ..match options.seed {
                Some(seed) => Environment::repeatable(seed),
                None => Environment::real(),
            }
        };
        if let Some(clock) = options.clock {
            environment.clock = clock;
        }
        let runs = Arc::new(Runs::new(target.cpus));
        let boot = environment.clock.clone();
        let is_repeatable = options.seed.is_some() || !matches!(boot, Clock::Real(_));
        let machines =
            Machines::new(&runs, environment, is_repeatable).ok_or_else(memory_is_short)?;
        let btfs = Arc::default();
        let vmlinux = target.btf.as_ref().map(|btf| {
            BtfObject::add(&btfs, Arc::clone(btf), "vmlinux").expect("the first id is free")
        });
        Ok(Arc::new(Self {
            target,
            runs,
            machines,
            boot: Mutex::new(boot),
            programs: Arc::default(),
            maps: Arc::default(),
            btfs,
            vmlinux,
            shared_btfs: Mutex::default(),
            event_maps: Mutex::default(),
            links: Arc::default(),
            attachments: Arc::default(),
            pins: PinTree::default(),
            network: options.network,
            unverified: options.unverified,
            helpers: options.helpers,
            native: options.native,
            repeats: Repeats::default(),
            counting: AtomicUsize::new(0),
            processes: AtomicU32::new(0),
        }))
    }

    /// What programs should be linked for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Hands over what programs have said since the last call, oldest first.
    pub fn drain(&self, sink: &mut dyn FnMut(Record)) {
        // Not under a lock: the sink may make maps, or panic.
        self.machines.records().into_iter().for_each(&mut *sink);
        let maps: Vec<_> = lock(&self.event_maps)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for map in maps {
            map.drain(sink);
        }
    }

    pub(crate) fn programs(&self) -> &Arc<Table<Code>> {
        &self.programs
    }

    pub(crate) fn maps(&self) -> &Arc<Table<Map>> {
        &self.maps
    }

    pub(crate) fn btfs(&self) -> &Arc<Table<BtfObject>> {
        &self.btfs
    }

    pub(crate) fn vmlinux(&self) -> Option<&Arc<BtfObject>> {
        self.vmlinux.as_ref()
    }

    pub(crate) fn links(&self) -> &Arc<Table<Link>> {
        &self.links
    }

    pub(crate) fn attachments(&self) -> &Arc<Attachments> {
        &self.attachments
    }

    /// True if the kernel's types know of a tracepoint with this name.
    pub(crate) fn has_tracepoint(&self, name: &str) -> bool {
        let typedef = format!("btf_trace_{name}");
        let vmlinux = self.vmlinux.as_ref();
        vmlinux.is_some_and(|vmlinux| vmlinux.btf.find(&typedef, Kind::Typedef).is_some())
    }

    /// Where a function of the kernel's lies: made up, but the same each time.
    pub(crate) fn function_address(&self, name: &str) -> Option<u64> {
        let id = self.vmlinux.as_ref()?.btf.find(name, Kind::Func)?;
        Some(TEXT_START + u64::from(id.0) * FUNCTION_BYTES)
    }

    /// True if a function of the kernel's begins there.
    pub(crate) fn is_function(&self, address: u64) -> bool {
        let Some(offset) = address.checked_sub(TEXT_START) else {
            return false;
        };
        let id = u32::try_from(offset / FUNCTION_BYTES).map(osmia_btf::TypeId);
        let ty = (self.vmlinux.as_ref()).and_then(|vmlinux| vmlinux.btf.ty(id.ok()?));
        offset.is_multiple_of(FUNCTION_BYTES) && ty.is_some_and(|ty| ty.kind() == Kind::Func)
    }

    pub(crate) fn pins(&self) -> &PinTree {
        &self.pins
    }

    /// Nanoseconds since it was made.
    pub(crate) fn since_boot(&self) -> u64 {
        lock(&self.boot).nanoseconds()
    }

    pub(crate) fn create_map(&self, spec: &MapSpec, about: MapAbout) -> Result<MapUse, MapRefused> {
        let map = MapRecord::create(&self.maps, spec, &self.runs, about)?;
        if matches!(spec.kind, MapKind::Ringbuf | MapKind::PerfEventArray) {
            let mut event_maps = lock(&self.event_maps);
            // Looking for dead ones each time would make many maps slow.
            if event_maps.len() == event_maps.capacity() {
                event_maps.retain(|map| map.strong_count() > 0);
            }
            event_maps.push(Arc::downgrade(map.map()));
        }
        Ok(map)
    }

    pub(crate) fn load(
        &self,
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        about: ProgramAbout,
        proof: Option<Arc<Proof>>,
    ) -> Result<Arc<Code>, ProgramRefused> {
        let variable = |id| {
            let types = &self.vmlinux.as_ref()?.btf;
            self.runs.variables().find_or_make(&self.runs, types, id)
        };
        let helpers = &self.helpers;
        let code = ProgramRecord::load(&self.programs, program, maps, about, &variable, helpers)?;
        let form = match proof {
            Some(_) if !self.native => Form::Interpreted {
                why: Interpreted::Asked,
            },
            None if ProgramRecord::of(&code).about.standing == Standing::Verified => {
                Form::Interpreted {
                    why: Interpreted::Asked,
                }
            }
            None => Form::Interpreted {
                why: Interpreted::NotVerified,
            },
            Some(proof) => native::compile(&code, &proof, &self.target),
        };
        ProgramRecord::of(&code).runs_as(form);
        Ok(code)
    }

    /// Whether a program may run, in place of another's function if it replaces one, by the verifier;
    /// handles may do without.
    pub(crate) fn judge(
        &self,
        program: &Program,
        replaces: Option<Replaced>,
        maps: &[Arc<Map>],
        log_level: u32,
    ) -> Judgement {
        let known = (&self.target, &self.repeats);
        verdict::judge(program, replaces, maps, known, log_level)
    }

    /// Shows that a program is safe with maps like these, which need not be there yet.
    ///
    /// # Errors
    /// Why it is not.
    pub fn prove(&self, program: &Program, maps: Vec<MapSpec>) -> Result<Arc<Proof>, Box<Reject>> {
        self.repeats.prove(program, maps, &self.target).0
    }

    /// How often programs were loaded that were known already.
    pub fn loads(&self) -> Loads {
        self.repeats.loads()
    }

    /// True if programs that come by handle are not verified.
    pub(crate) fn is_unverified(&self) -> bool {
        self.unverified
    }

    /// The object of types that a handle brings along.
    pub(crate) fn shared_btf(&self, btf: &Arc<Btf>) -> Option<Arc<BtfObject>> {
        let mut shared = lock(&self.shared_btfs);
        shared.retain(|object| object.strong_count() > 0);
        let known = shared.iter().filter_map(Weak::upgrade);
        if let Some(object) = { known }.find(|object| Arc::ptr_eq(&object.btf, btf)) {
            return Some(object);
        }
        let object = BtfObject::add(&self.btfs, Arc::clone(btf), "").ok()?;
        shared.push(Arc::downgrade(&object));
        Some(object)
    }

    /// The CPU for the programs of a new process.
    pub(crate) fn next_cpu(&self) -> u32 {
        self.processes.fetch_add(1, SeqCst) % self.target.cpus.max(1)
    }

    /// The network as it was described.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// True if there is a network interface with this index. The loopback interface always is.
    pub(crate) fn has_interface(&self, index: u32) -> bool {
        index == LOOPBACK || self.network.link(index).is_some()
    }

    /// Runs a program, for a process if it makes system calls, on a described input, whose data start with `layer`, and leaves the
    /// results in `run`.
    pub(crate) fn run(
        &self,
        process: Option<&Process>,
        code: &Arc<Code>,
        layer: Layer,
        run: &mut Run,
    ) -> Result<(), RunFailed> {
        let mut machine = self.machines.on(run.cpu).map_err(RunFailed::Input)?;
        let acts = code.program().hook.kind == ProgramKind::Syscall;
        let process = process.filter(|_| acts).map(Process::thread);
        machine.act_for(process.map(|process| Arc::new(process) as Arc<dyn SystemCalls>));
        self.run_on(&mut machine, code, layer, run)
    }

    fn run_on(
        &self,
        machine: &mut Machine,
        code: &Arc<Code>,
        layer: Layer,
        run: &mut Run,
    ) -> Result<(), RunFailed> {
        let hook = &code.program().hook;
        machine.environment().cpu = run.cpu;
        machine
            .surround(&run.scene)
            .and_then(|()| machine.input(hook, &run.data, &run.ctx, layer))
            .map_err(RunFailed::Input)?;
        let repeat = run.repeat.max(1);
        let (mut insns, mut outcome) = (0, Ok(0));
        let start = Instant::now();
        for _ in 0..repeat {
            match machine.run(code) {
                Ok(end) => {
                    insns += end.insns;
                    outcome = Ok(end.value as u32);
                }
                Err(trap) => {
                    outcome = Err(trap);
                    break;
                }
            }
        }
        let took = start.elapsed();
        if self.counting.load(SeqCst) > 0 {
            ProgramRecord::of(code).ran(u64::from(repeat), took);
        }
        run.duration_ns = u64::try_from(took.as_nanos() / u128::from(repeat)).unwrap_or(u64::MAX);
        // Native code does not count.
        run.insns = code.native().is_none().then_some(insns);
        machine.world().output(&mut run.data);
        run.signals.clone_from(&machine.world().signals);
        run.remote.clone_from(&machine.world().remote);
        run.redirected.clear();
        machine.redirected(&mut |redirected| run.redirected.push(redirected));
        machine.world().name_chosen_socket();
        machine.world().context.copy_to(&mut run.ctx);
        run.changed = machine.world().changed();
        run.sequence.clear();
        run.sequence.extend(&machine.world().stage.sequence);
        run.override_return = machine.world().override_return;
        // Between runs is when Linux would get to what was left for later.
        let later = match outcome {
            Ok(_) => machine.run_due(),
            Err(_) => Ok(0),
        };
        run.retval = outcome.map_err(RunFailed::Trap)?;
        later.map_err(RunFailed::Trap)?;
        Ok(())
    }

    /// Runs timers and work until nothing waits, or patience ends; says how many ran.
    pub(crate) fn settle(&self) -> Result<u64, Box<Trap>> {
        let patience = Duration::from_millis(limits::SETTLE_MILLISECONDS_MAX);
        match self.machines.on(0) {
            Ok(mut machine) => machine.settle(limits::SETTLE_RUNS_MAX, patience),
            // There is always that of the first CPU.
            Err(_) => Ok(0),
        }
    }

    /// One more machine for its programs: a CPU of this number, for one thread at a time.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new_machine(&self, cpu: u32) -> Result<Machine, HostError> {
        self.machines.another(cpu).ok_or_else(memory_is_short)
    }
}

fn memory_is_short() -> HostError {
    let message = "there is not enough memory to begin";
    HostError::new(
        Fault::Unsupported,
        Diagnostic::error(codes::USER_MEMORY, message),
    )
}

/// What is locked here is filled anew by each use, so a panic in one does not spoil the next.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
