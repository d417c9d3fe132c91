//! The CPUs of a host: a machine each, so that programs run at once.
//!
//! Maps, objects of the kernel and timers belong to all of them; what a run needs for itself is its
//! machine's. Threads that want the same CPU take turns, as they do in a kernel. A host that is to do
//! the same every time has one machine for all its CPUs: what a program sees of time and chance must
//! not depend on who runs beside it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use osmia_program::Record;
use osmia_vm::map::Runs;
use osmia_vm::{Environment, InputError, Machine, Random};

use crate::kernel::lock;

/// The machines, made when their CPU first runs something.
#[derive(Debug)]
pub(crate) struct Machines {
    runs: Arc<Runs>,
    environment: Environment,
    cpus: Box<[Mutex<Option<Machine>>]>,
}

impl Machines {
    /// One for each CPU, or one for all. `None` if memory is short for the first.
    pub(crate) fn new(runs: &Arc<Runs>, environment: Environment, one: bool) -> Option<Self> {
        let count = if one { 1 } else { runs.cpus() };
        let machines = Self {
            runs: Arc::clone(runs),
            environment,
            cpus: (0..count).map(|_| Mutex::default()).collect(),
        };
        *lock(&machines.cpus[0]) = Some(machines.make(0)?);
        Some(machines)
    }

    fn make(&self, index: usize) -> Option<Machine> {
        let mut environment = self.environment.clone();
        if index > 0 {
            // The numbers of one CPU are not those of another.
            let chance = u64::from(environment.random.next_u32());
            environment.random = Random::seeded(chance << 32 | index as u64);
        }
        Machine::among(&self.runs, environment)
    }

    /// A machine of its own for a CPU of this number, which no other thread comes to.
    pub(crate) fn another(&self, cpu: u32) -> Option<Machine> {
        let environment = Environment {
            cpu,
            ..self.environment.clone()
        };
        Machine::among(&self.runs, environment)
    }

    /// The machine of a CPU, once nobody else runs on it.
    pub(crate) fn on(&self, cpu: u32) -> Result<Busy<'_>, InputError> {
        let index = cpu as usize % self.cpus.len();
        let mut machine = lock(&self.cpus[index]);
        if machine.is_none() {
            *machine = Some(self.make(index).ok_or(InputError::NoMemory)?);
        }
        Ok(Busy(machine))
    }

    /// Takes what programs have said, oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for machine in &self.cpus {
            if let Some(machine) = lock(machine).as_mut() {
                machine.drain(&mut |record| records.push(record));
            }
        }
        if self.cpus.len() > 1 {
            records.sort_by_key(|record| record.time_ns);
        }
        records
    }
}

/// A machine in use. However its use ends, by a panic too, it lets go of the program, of what the
/// program held and of the process it acted for.
#[derive(Debug)]
pub(crate) struct Busy<'a>(MutexGuard<'a, Option<Machine>>);

impl Deref for Busy<'_> {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        self.0.as_ref().expect("made before it is handed out")
    }
}

impl DerefMut for Busy<'_> {
    fn deref_mut(&mut self) -> &mut Machine {
        self.0.as_mut().expect("made before it is handed out")
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.act_for(None);
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use osmia_vm::Environment;
    use osmia_vm::map::Runs;

    use super::Machines;
    use crate::{Credentials, Kernel, Process, UserOptions};

    fn machines(cpus: u32, one: bool) -> Machines {
        Machines::new(&Arc::new(Runs::new(cpus)), Environment::repeatable(1), one)
            .expect("there is memory")
    }

    #[test]
    fn every_cpu_has_its_own_unless_all_is_to_be_repeated() {
        let several = machines(2, false);
        let _first = several.on(0).expect("memory");
        // It would wait forever if it were the same.
        let _second = several.on(1).expect("memory");
        assert_eq!(machines(2, true).cpus.len(), 1);
    }

    #[test]
    fn a_thread_that_panics_leaves_its_cpu_to_others() {
        let kernel = Kernel::new(UserOptions::default()).expect("memory");
        let process = Arc::new(Process::new(&kernel, Credentials::ROOT));
        let machines = machines(1, false);
        thread::scope(|scope| {
            let dies = scope.spawn(|| {
                let mut busy = machines.on(0).expect("memory");
                busy.act_for(Some(Arc::clone(&process) as Arc<_>));
                panic!("on purpose");
            });
            assert!(dies.join().is_err());
        });
        assert_eq!(Arc::strong_count(&process), 1, "the machine let go of it");
        machines.on(0).expect("the next run has it");
    }
}
