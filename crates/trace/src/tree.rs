//! A command with everything it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;

use osmia_diag::Diagnostic;
use osmia_program::{Errno, Fault, HostError};

use crate::calls::Number;
use crate::happening::{Ended, Happening, What};
use crate::sys::{self, Onward};
use crate::wanted::Wanted;
use crate::{calls, codes, filter, spawn, task};

/// What is added to the signal number of stops at system calls (`PTRACE_O_TRACESYSGOOD`).
const AT_CALL: i32 = 0x80;
/// Signals that stop a process.
const STOPPING: [i32; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// How a tree is traced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    /// The command ends if we do, however that comes. Otherwise it goes on without us; then no filter
    /// may be left with it, and every system call stops for a moment.
    pub ends_with_us: bool,
    /// Signals are told.
    pub signals: bool,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            ends_with_us: true,
            signals: false,
        }
    }
}

/// A traced thread.
#[derive(Debug, Default)]
struct Thread {
    process: u32,
    /// The system call it is in, if that one's end is looked at or every call stops.
    call: Option<Number>,
}

/// A command with its children and threads. Only the thread that made it may use it.
#[derive(Debug)]
pub struct Tree {
    root: u32,
    ended: Option<Ended>,
    /// The first process, until it runs the command's program.
    begins: Option<spawn::Waiting>,
    wanted: Wanted,
    options: TreeOptions,
    threads: BTreeMap<u32, Thread>,
    /// The thread that waits until the next happening is asked for, how it goes on, and with which signal.
    told: Option<(u32, Onward, i32)>,
    /// Tracing belongs to the thread that began it.
    _here: std::marker::PhantomData<*const ()>,
}

fn refused(what: &str, errno: Errno) -> HostError {
    let message = format!("{what}: {}", errno.meaning());
    let diagnostic = Diagnostic::error(codes::REFUSED, message)
        .help("tracing needs ptrace and seccomp filters; a container may forbid them");
    HostError::new(Fault::Unsupported, diagnostic)
}

/// A machine that is not traced on.
fn elsewhere() -> HostError {
    let machine = std::env::consts::ARCH;
    let message = format!("commands are traced on x86-64 alone, and this machine is {machine}");
    HostError::new(
        Fault::Unsupported,
        Diagnostic::error(codes::MACHINE, message),
    )
}

impl Tree {
    /// Starts a command.
    ///
    /// # Errors
    /// If it cannot be started or not be traced.
    pub fn spawn(
        command: &[OsString],
        wanted: Wanted,
        options: TreeOptions,
    ) -> Result<Self, HostError> {
        if !cfg!(target_arch = "x86_64") {
            return Err(elsewhere());
        }
        let filter = if options.ends_with_us {
            filter::filter(&wanted)
        } else {
            Vec::new()
        };
        let mut waiting = spawn::start(command, &filter)?;
        let mut flags = libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACESECCOMP
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_TRACEEXIT;
        if options.ends_with_us {
            flags |= libc::PTRACE_O_EXITKILL;
        }
        let root = waiting.process;
        // The child waits for us; should this fail it reads the end of its pipe and ends.
        sys::seize(root, flags).map_err(|errno| refused("the command cannot be traced", errno))?;
        let mut tree = Self {
            root,
            ended: None,
            begins: None,
            wanted,
            options,
            threads: BTreeMap::from([(
                root,
                Thread {
                    process: root,
                    call: None,
                },
            )]),
            told: None,
            _here: std::marker::PhantomData,
        };
        if !options.ends_with_us {
            // Every system call stops: only a stopped thread can be told so.
            let _ = sys::interrupt(root);
        }
        waiting.go()?;
        tree.begins = Some(waiting);
        Ok(tree)
    }

    /// The process that was started first.
    pub fn root(&self) -> u32 {
        self.root
    }

    /// How the first process ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// The next thing that happens; `None` after the last process has ended.
    ///
    /// # Errors
    /// If the kernel does not answer as documented.
    pub fn next_happening(&mut self) -> Result<Option<Happening>, HostError> {
        if let Some((thread, onward, signal)) = self.told.take() {
            self.resume(thread, onward, signal);
        }
        loop {
            let waited = sys::wait().map_err(|errno| refused("waiting failed", errno))?;
            let Some((thread, status)) = waited else {
                return Ok(None);
            };
            let is_over = libc::WIFEXITED(status) || libc::WIFSIGNALED(status);
            if thread == self.root
                && is_over
                && let Some(failure) = self.begins.take().and_then(spawn::Waiting::failure)
            {
                return Err(failure);
            }
            if let Some(what) = self.happened(thread, status) {
                let process = self
                    .threads
                    .get(&thread)
                    .map_or(thread, |thread| thread.process);
                return Ok(Some(Happening {
                    thread,
                    process,
                    what,
                }));
            }
        }
    }

    /// Makes the system call that begins fail, or return something else, without being run.
    ///
    /// # Errors
    /// If the thread is gone.
    pub fn answer_call(&mut self, happening: &Happening, result: i64) -> Result<(), Errno> {
        let What::Enter { registers, .. } = &happening.what else {
            return Err(Errno::EINVAL);
        };
        sys::answer(happening.thread, registers, result)
    }

    /// Lets a thread go on. One that is gone meanwhile is told by a later wait.
    fn resume(&self, thread: u32, onward: Onward, signal: i32) {
        let _ = sys::resume(thread, onward, signal);
    }

    /// How a thread goes on that no end of a call is awaited of.
    fn onward(&self) -> Onward {
        if self.options.ends_with_us {
            Onward::Run
        } else {
            Onward::ToCallsEnd
        }
    }

    /// What a status means. Threads that nobody wants to hear of go on at once.
    fn happened(&mut self, thread: u32, status: i32) -> Option<What> {
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            self.threads.remove(&thread);
            if thread == self.root {
                self.ended = Some(match libc::WIFEXITED(status) {
                    true => Ended::Exited(libc::WEXITSTATUS(status) as u8),
                    false => Ended::Killed(libc::WTERMSIG(status)),
                });
            }
            return None;
        }
        self.threads.entry(thread).or_insert_with(|| Thread {
            process: task::TaskFacts::of(thread).map_or(thread, |facts| facts.process),
            call: None,
        });
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        let usual = self.onward();
        match event {
            libc::PTRACE_EVENT_SECCOMP => return self.enters(thread),
            libc::PTRACE_EVENT_STOP if STOPPING.contains(&signal) => {
                self.resume(thread, Onward::Stopped, 0);
            }
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                let child = sys::event_message(thread).unwrap_or_default() as u32;
                let process = task::TaskFacts::of(child).map_or(child, |facts| facts.process);
                self.threads.entry(child).or_default().process = process;
                self.told = Some((thread, self.inside(thread), 0));
                return Some(What::Forked {
                    child,
                    is_thread: process != child,
                });
            }
            libc::PTRACE_EVENT_EXEC => {
                self.begins = self.begins.take().filter(|_| thread != self.root);
                let old_thread = sys::event_message(thread).unwrap_or_default() as u32;
                // The thread that asked goes on under the process' id; the others are gone.
                if let Some(old) = self.threads.remove(&old_thread) {
                    self.threads.insert(thread, old);
                }
                self.told = Some((thread, self.inside(thread), 0));
                return Some(What::Executed { old_thread });
            }
            libc::PTRACE_EVENT_EXIT => {
                let status = sys::event_message(thread).unwrap_or_default() as i32;
                self.told = Some((thread, Onward::Run, 0));
                return Some(What::Ending { status });
            }
            0 if signal == libc::SIGTRAP | AT_CALL => return self.at_call(thread),
            0 => {
                // A signal: it is delivered as we go on.
                let onward = self.inside(thread);
                if self.options.signals {
                    let (code, errno) = sys::signal_info(thread).unwrap_or_default();
                    self.told = Some((thread, onward, signal));
                    return Some(What::Signal {
                        number: signal,
                        code,
                        errno,
                    });
                }
                self.resume(thread, onward, signal);
            }
            // A thread's first stop, or one that we asked for.
            _ => self.resume(thread, usual, 0),
        }
        None
    }

    /// How a thread goes on that may be in a system call whose end is awaited.
    fn inside(&self, thread: u32) -> Onward {
        let awaited = self
            .threads
            .get(&thread)
            .is_some_and(|thread| thread.call.is_some());
        if awaited {
            Onward::ToCallsEnd
        } else {
            self.onward()
        }
    }

    /// A system call begins.
    fn enters(&mut self, thread: u32) -> Option<What> {
        let Ok(registers) = sys::registers(thread) else {
            return None;
        };
        let call = registers.call();
        let sides = self.wanted.sides(call);
        let awaited = sides.exit || !self.options.ends_with_us;
        if let Some(known) = self.threads.get_mut(&thread) {
            known.call = awaited.then_some(call);
        }
        let onward = self.inside(thread);
        // What our own code does before the command's program runs is nobody's business.
        let is_ours = self.begins.is_some() && Some(call) != calls::number("execve");
        if !sides.enter || is_ours {
            self.resume(thread, onward, 0);
            return None;
        }
        self.told = Some((thread, onward, 0));
        Some(What::Enter { call, registers })
    }

    /// A stop at a system call: its end, or its beginning where every call stops.
    fn at_call(&mut self, thread: u32) -> Option<What> {
        if !self.options.ends_with_us && sys::is_entry(thread) {
            return self.enters(thread);
        }
        let usual = self.onward();
        let known = self.threads.get_mut(&thread)?;
        let looked_at = |call: &Number| self.wanted.sides(*call).exit;
        let Some(call) = known.call.take().filter(looked_at) else {
            self.resume(thread, usual, 0);
            return None;
        };
        let Ok(registers) = sys::registers(thread) else {
            return None;
        };
        self.told = Some((thread, usual, 0));
        let result = registers.result();
        Some(What::Exit {
            call,
            result,
            registers,
        })
    }
}

impl Drop for Tree {
    /// Leaves nothing stopped. Threads that run are let go of by the kernel when this process ends.
    fn drop(&mut self) {
        if let Some((thread, _, signal)) = self.told.take() {
            let onward = if self.options.ends_with_us {
                Onward::Run
            } else {
                Onward::Free
            };
            self.resume(thread, onward, signal);
        }
    }
}
