//! Running a loaded program on packets or on given bytes.
//!
//! What happens is told as it happens, as [`Event`]s to a sink that may ask to stop; what it came to
//! is the [`RunSummary`]. A trap ends the run and is part of the summary, not an error.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_program::{
    Fault, Form, Host, HostError, HostProgram, Program, ProgramKind, Record, RecordSource,
    RedirectTarget, Role, Run, Standing, Task,
};
use osmia_user::capture::{CaptureReader, Framing, Packet, Unframed};
use serde::Serialize;

use crate::changes::{self, Change};
use crate::described::plain_scene;
use crate::twins::Twins;
use crate::verdict::Tally;
use crate::{Error, Input, Loaded, Shown, Verdict, VerdictCount, codes, limits};

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How many times each packet is given to the program; it is not restored in between.
    pub repeat: u32,
    /// The CPU the program runs on.
    pub cpu: u32,
    /// Put an Ethernet header in front of packets captured without one.
    pub as_ethernet: bool,
    /// The task programs find themselves in, unless a description says another.
    pub task: Task,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            repeat: 1,
            cpu: 0,
            as_ethernet: false,
            task: Task::default(),
        }
    }
}

impl RunOptions {
    /// How captured packets become packets of this program.
    ///
    /// # Errors
    /// If programs of its type are not given packets.
    pub fn framing(&self, program: &Program) -> Result<Framing, Error> {
        Framing::new(program.hook.kind, self.as_ethernet).ok_or_else(|| {
            Error::new(
                Fault::Usage,
                takes_no_packets(&program.name, program.hook.kind),
            )
        })
    }
}

/// Something that happened during a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The program printed a line.
    Trace {
        /// The packet it was given, from 1.
        packet: u64,
        /// The CPU it ran on.
        cpu: u32,
        /// The task it ran in.
        task: &'a Task,
        /// What the clock showed, in nanoseconds.
        time_ns: u64,
        /// The line, without its end.
        text: &'a str,
    },
    /// The program put a record into a ring buffer or a perf event array.
    Record {
        /// The packet it was given, from 1.
        packet: u64,
        /// The map's name.
        map: &'a str,
        /// The CPU it ran on.
        cpu: u32,
        /// Records of this map lost before this one.
        lost: u64,
        /// The bytes.
        bytes: &'a [u8],
        /// The bytes by the type the map's definition names.
        value: &'a Shown,
    },
    /// The program is through with a packet.
    Packet {
        /// The packet as the program left it.
        packet: &'a Packet,
        /// What the program decided.
        verdict: Verdict,
        /// Bytes of the capture consumed so far.
        capture_offset: u64,
    },
    /// The program is through with a described input.
    Run {
        /// Which, from 1.
        number: u64,
        /// What the program decided.
        verdict: Verdict,
        /// What it changed.
        changes: &'a [Change],
        /// The packet as the program left it, if it changed it.
        packet: Option<&'a [u8]>,
        /// What an iterator printed.
        sequence: &'a [u8],
    },
}

/// Takes events; breaking ends the run after the current packet.
pub type Sink<'s> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 's;

/// How a run ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every packet was given to the program.
    Complete,
    /// The sink asked to stop.
    Interrupted,
    /// The program did something it may not do.
    Trap,
    /// Two engines came to different ends.
    Difference,
    /// The capture could not be read on, or not be used.
    CaptureError,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// What was known of the program before it ran.
    pub standing: Standing,
    /// What it was run as.
    pub form: Form,
    /// How it ended.
    pub outcome: Outcome,
    /// Packets given to the program.
    pub packets: u64,
    /// Packets not given to the program: too short for the header of their link type, or too long
    /// for the host.
    pub skipped: u64,
    /// Counts by verdict.
    pub verdicts: Vec<VerdictCount>,
    /// Instructions executed, where the host counts them.
    pub insns: Option<u64>,
    /// Nanoseconds spent in the program.
    pub duration_ns: u64,
    /// Where packets were sent by helpers, in the order of first use.
    pub redirects: Vec<RedirectCount>,
    /// What the program said.
    pub heard: Heard,
    /// Why it ended early, or what was odd.
    pub diagnostics: Vec<Diagnostic>,
}

/// What programs said.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Lines printed.
    pub trace_lines: u64,
    /// Records of ring buffers and perf event arrays.
    pub records: u64,
    /// Records lost because nobody read them in time.
    pub records_lost: u64,
}

impl Heard {
    /// True if nothing was said that is shown as it happens.
    pub fn is_empty(&self) -> bool {
        self.trace_lines + self.records == 0
    }
}

/// Tells what programs have said since the last time.
pub(crate) fn tell_records<H: Host>(
    loaded: &Loaded<'_, H>,
    packet: u64,
    task: &Task,
    heard: &mut Heard,
    sink: &mut Sink<'_>,
) -> ControlFlow<()> {
    let mut flow = ControlFlow::Continue(());
    loaded.host().drain(&mut |record: Record| {
        heard.records_lost += record.lost;
        let event_flow = match &record.source {
            RecordSource::Trace | RecordSource::Stream { .. } => {
                heard.trace_lines += 1;
                let text = String::from_utf8_lossy(&record.bytes);
                sink(Event::Trace {
                    packet,
                    cpu: record.cpu,
                    task,
                    time_ns: record.time_ns,
                    text: text.trim_end_matches('\n'),
                })
            }
            RecordSource::Ringbuf(map) | RecordSource::PerfEvent(map) => {
                heard.records += 1;
                let value = loaded.show_record(map, &record.bytes);
                sink(Event::Record {
                    packet,
                    map,
                    cpu: record.cpu,
                    lost: record.lost,
                    bytes: &record.bytes,
                    value: &value,
                })
            }
        };
        if event_flow.is_break() {
            flow = event_flow;
        }
    });
    flow
}

impl RunSummary {
    /// Says that somebody asked to stop, unless it ended for a graver reason.
    pub fn interrupted(&mut self) {
        if self.outcome == Outcome::Complete {
            self.outcome = Outcome::Interrupted;
        }
    }
}

/// Packets, and copies of packets, that were sent to one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedirectCount {
    /// Where to: `interface 3`, `slot 1 of devmap ports`.
    pub target: String,
    /// Packets themselves.
    pub packets: u64,
    /// Copies of packets.
    pub copies: u64,
}

/// Where inputs come from: none after the last.
pub type Inputs<'s> = dyn FnMut() -> Option<Result<Input, Error>> + 's;

impl<H: Host> Loaded<'_, H> {
    /// Runs the program on each described input.
    ///
    /// # Errors
    /// What `inputs` yields, and what the host cannot do.
    pub fn run_described(
        &self,
        program: &str,
        inputs: &mut Inputs<'_>,
        options: &RunOptions,
        sink: &mut Sink<'_>,
    ) -> Result<RunSummary, Error> {
        let mut running = self.running(program, options)?;
        running.from_capture = false;
        let mut number = 0;
        while let Some(input) = inputs() {
            number += 1;
            if running.described(input?, number, sink)?.is_break() {
                break;
            }
        }
        running.finish()
    }

    /// Gives every packet of the capture to the program.
    pub fn run_capture<R: Read>(
        &self,
        program: &str,
        capture: &mut CaptureReader<R>,
        options: &RunOptions,
        sink: &mut Sink<'_>,
    ) -> Result<RunSummary, Error> {
        let mut running = self.running(program, options)?;
        let framing = options.framing(running.program.program())?;
        let mut packet = Packet::default();
        loop {
            match capture.read(&mut packet) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if running.summary.packets == 0 => return Err(Error::from(&error)),
                Err(error) => {
                    running.end(Outcome::CaptureError, Some(error.to_diagnostic()));
                    break;
                }
            }
            match framing.apply(&mut packet) {
                Ok(Ok(_)) => {}
                Ok(Err(Unframed)) => {
                    running.skip(&too_short(&packet), packet.number);
                    continue;
                }
                Err(error) if running.summary.packets == 0 => return Err(Error::from(&error)),
                Err(error) => {
                    running.end(Outcome::CaptureError, Some(error.to_diagnostic()));
                    break;
                }
            }
            if running.one(&mut packet, capture.offset(), sink)?.is_break() {
                break;
            }
        }
        if let Some(cut) = capture.cut_short() {
            let mut diagnostic = cut.to_diagnostic();
            diagnostic.severity = osmia_diag::Severity::Warning;
            diagnostic
                .notes
                .push("the packets before it were used".to_owned());
            running.summary.diagnostics.push(diagnostic);
        }
        running.settle(sink)?;
        running.finish()
    }

    /// Gives these bytes to the program as its packet and context; empty for the default ones.
    pub fn run_bytes(
        &self,
        program: &str,
        data: Vec<u8>,
        ctx: Vec<u8>,
        options: &RunOptions,
        sink: &mut Sink<'_>,
    ) -> Result<RunSummary, Error> {
        let mut running = self.running(program, options)?;
        running.from_capture = false;
        running.run.ctx = ctx;
        let mut packet = Packet {
            original_bytes: u32::try_from(data.len()).unwrap_or(u32::MAX),
            data,
            number: 1,
            ..Packet::default()
        };
        let _ = running.one(&mut packet, 0, sink)?;
        running.settle(sink)?;
        running.finish()
    }

    pub(crate) fn running(
        &self,
        name: &str,
        options: &RunOptions,
    ) -> Result<Running<'_, H>, Error> {
        let program = self.program(name).ok_or_else(|| {
            Error::new(
                Fault::Usage,
                crate::loaded::no_such_program(name, self.set()),
            )
        })?;
        Ok(Running {
            loaded: self,
            program,
            role: Role::from(&program.program().hook),
            run: Run {
                repeat: options.repeat.max(1),
                cpu: options.cpu,
                scene: Arc::new(plain_scene(
                    self.host().target().btf.as_deref(),
                    &options.task,
                )),
                ..Run::default()
            },
            from_capture: true,
            tally: Tally::default(),
            summary: RunSummary {
                standing: program.standing().clone(),
                form: program.form().clone(),
                outcome: Outcome::Complete,
                packets: 0,
                skipped: 0,
                verdicts: Vec::new(),
                insns: None,
                duration_ns: 0,
                redirects: Vec::new(),
                heard: Heard::default(),
                diagnostics: Vec::new(),
            },
        })
    }
}

/// A run in progress.
pub(crate) struct Running<'l, H: Host> {
    loaded: &'l Loaded<'l, H>,
    program: &'l H::Program,
    role: Role,
    run: Run,
    /// Many packets: one that the host does not take is no reason to stop.
    from_capture: bool,
    tally: Tally,
    summary: RunSummary,
}

impl<'l, H: Host> Running<'l, H> {
    /// Its program.
    pub(crate) fn program(&self) -> &'l H::Program {
        self.program
    }

    /// Inputs are events, which are all different.
    pub(crate) fn on_events(&mut self) {
        self.from_capture = false;
    }

    /// What the program wants the call it listened to to return instead of running.
    pub(crate) fn overridden(&self) -> Option<u64> {
        self.run.override_return
    }

    /// Runs on something that happened, and tells what the program said.
    pub(crate) fn happened(
        &mut self,
        input: Input,
        number: u64,
        sink: &mut Sink<'_>,
    ) -> Result<End, Error> {
        self.run.scene = input.scene;
        self.run.data = input.data;
        self.run.ctx = input.ctx;
        self.execute(number, sink)
    }

    /// Runs on one packet and tells what happened.
    fn one(
        &mut self,
        packet: &mut Packet,
        capture_offset: u64,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        std::mem::swap(&mut self.run.data, &mut packet.data);
        let end = self.execute(packet.number, sink);
        std::mem::swap(&mut self.run.data, &mut packet.data);
        let (verdict, mut flow) = match end? {
            End::Verdict(verdict, flow) => (verdict, flow),
            End::Skipped => return Ok(ControlFlow::Continue(())),
            End::Trapped => return Ok(ControlFlow::Break(())),
        };
        if flow.is_continue() {
            flow = sink(Event::Packet {
                packet,
                verdict,
                capture_offset,
            });
        }
        Ok(self.interrupted(flow))
    }

    /// Runs on one described input and tells what happened.
    fn described(
        &mut self,
        input: Input,
        number: u64,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let cpu = self.run.cpu;
        self.run.cpu = input.cpu.unwrap_or(cpu);
        self.run.scene = input.scene;
        self.run.data.clone_from(&input.data);
        self.run.ctx.clone_from(&input.ctx);
        let end = self.execute(number, sink);
        self.run.cpu = cpu;
        let (verdict, mut flow) = match end? {
            End::Verdict(verdict, flow) => (verdict, flow),
            End::Skipped => return Ok(ControlFlow::Continue(())),
            End::Trapped => return Ok(ControlFlow::Break(())),
        };
        let changes = changes::of(self.program.program(), &input.ctx, &self.run);
        if flow.is_continue() {
            flow = sink(Event::Run {
                number,
                verdict,
                changes: &changes,
                packet: (self.run.data != input.data).then_some(&*self.run.data),
                sequence: &self.run.sequence,
            });
        }
        Ok(self.interrupted(flow))
    }

    fn interrupted(&mut self, flow: ControlFlow<()>) -> ControlFlow<()> {
        if flow.is_break() {
            self.end(Outcome::Interrupted, None);
        }
        flow
    }

    /// Runs on what `run` holds, counts, and tells what the program said.
    fn execute(&mut self, number: u64, sink: &mut Sink<'_>) -> Result<End, Error> {
        let bytes_in = self.run.data.len() as u64;
        let before = self.loaded.twin().map(|_| self.run.clone());
        let outcome = self.program.test_run(&mut self.run);
        if let Err(error) = &outcome
            && error.fault == Fault::Usage
            && self.from_capture
        {
            self.skip(&error.diagnostic, number);
            return Ok(End::Skipped);
        }
        self.summary.packets += 1;
        self.summary.duration_ns = self.summary.duration_ns.saturating_add(
            self.run
                .duration_ns
                .saturating_mul(u64::from(self.run.repeat)),
        );
        if let Some(insns) = self.run.insns {
            *self.summary.insns.get_or_insert(0) += insns;
        }
        let flow = self.tell_records(number, sink);
        match outcome {
            Ok(()) => {}
            Err(error) if error.fault == Fault::Input => {
                let what = if self.from_capture { "packet" } else { "run" };
                self.end(Outcome::Trap, Some(at(error, what, number)));
                return Ok(End::Trapped);
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(before) = before
            && let Some(why) = self.differs_from_twin(before)?
        {
            let what = if self.from_capture { "packet" } else { "run" };
            let why = format!("{why} ({what} {number})");
            self.end(
                Outcome::Difference,
                Some(Diagnostic::error(codes::RUN_ENGINES, why)),
            );
            return Ok(End::Trapped);
        }
        let verdict = Verdict::new(self.role, self.run.retval);
        self.tally.add(verdict, bytes_in);
        self.count_redirects();
        Ok(End::Verdict(verdict, flow))
    }

    /// What the program came to on the other host, if to something else.
    fn differs_from_twin(&self, mut run: Run) -> Result<Option<String>, Error> {
        let Some((loaded, twin, twins)) = self.twins() else {
            return Ok(None);
        };
        let outcome = twin.test_run(&mut run);
        // What it says is told once.
        loaded.host().drain(&mut |_| {});
        match outcome {
            Ok(()) => Ok(twins.differ(&self.run, &run)),
            Err(error) if error.fault == Fault::Unsupported => Err(error.into()),
            Err(error) => Ok(Some(error.diagnostic.message)),
        }
    }

    /// The same program elsewhere, if it is to be compared.
    fn twins(&self) -> Option<(&Loaded<'_, H>, &H::Program, Twins)> {
        let loaded = self.loaded.twin()?;
        let twin = loaded.program(&self.program.program().name)?;
        Some((loaded, twin, Twins::of(self.program, twin)))
    }

    /// Counts where helpers sent the packet and copies of it.
    fn count_redirects(&mut self) {
        for redirected in &self.run.redirected {
            let target = where_to(&redirected.target);
            let rows = &mut self.summary.redirects;
            let row = match rows.iter_mut().position(|row| row.target == target) {
                Some(row) => &mut rows[row],
                None if rows.len() >= limits::REDIRECT_ROWS_MAX => continue,
                None => {
                    rows.push(RedirectCount {
                        target,
                        packets: 0,
                        copies: 0,
                    });
                    rows.last_mut().expect("it was just added")
                }
            };
            match redirected.copy {
                Some(_) => row.copies += 1,
                None => row.packets += 1,
            }
        }
    }

    /// Lets timers and work run that programs left for later, and tells what they said.
    pub(crate) fn settle(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        if self.summary.outcome == Outcome::Trap {
            return Ok(());
        }
        let settled = self.loaded.host().settle();
        let _ = self.tell_records(self.summary.packets, sink);
        match settled {
            Err(error) if error.fault == Fault::Input => {
                self.end(Outcome::Trap, Some(*error.diagnostic));
                Ok(())
            }
            settled => Ok(settled.map(|_| ())?),
        }
    }

    /// Tells what the program has said since the last time.
    fn tell_records(&mut self, packet: u64, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let plain = Task::default();
        let scene = Arc::clone(&self.run.scene);
        let task = scene.task.as_ref().unwrap_or(&plain);
        tell_records(self.loaded, packet, task, &mut self.summary.heard, sink)
    }

    /// Passes over a packet that the host does not take; says so once.
    fn skip(&mut self, why: &Diagnostic, packet: u64) {
        if self.summary.skipped == 0 {
            let mut warning = why.clone();
            warning.severity = osmia_diag::Severity::Warning;
            self.summary.diagnostics.push(
                warning
                    .note(format!("packet {packet} is the first that was passed over"))
                    .note("packets that were passed over are counted at the end"),
            );
        }
        self.summary.skipped += 1;
    }

    fn end(&mut self, outcome: Outcome, diagnostic: Option<Diagnostic>) {
        self.summary.outcome = outcome;
        self.summary.diagnostics.extend(diagnostic);
    }

    pub(crate) fn finish(mut self) -> Result<RunSummary, Error> {
        if let Some((loaded, _, twins)) = self.twins()
            && self.summary.outcome == Outcome::Complete
            && let Some(why) = twins.differ_in_maps(self.loaded, loaded)?
        {
            let why = Diagnostic::error(codes::RUN_ENGINES, why);
            self.end(Outcome::Difference, Some(why));
        }
        self.summary.verdicts = self.tally.into_rows();
        Ok(self.summary)
    }
}

/// How one execution ended.
pub(crate) enum End {
    Verdict(Verdict, ControlFlow<()>),
    /// The host does not take such an input; the next one may do.
    Skipped,
    /// The program did what it may not; the summary says what.
    Trapped,
}

fn at(error: HostError, what: &str, number: u64) -> Diagnostic {
    error
        .diagnostic
        .note(format!("it happened with {what} {number}"))
}

/// A target in words.
fn where_to(target: &RedirectTarget) -> String {
    match target {
        RedirectTarget::Interface(index) => format!("interface {index}"),
        RedirectTarget::Neighbour(index) => format!("a neighbour on interface {index}"),
        RedirectTarget::Peer(index) => format!("the peer of interface {index}"),
        RedirectTarget::Slot { map, kind, key, .. } => format!("slot {key} of {kind} {map}"),
        RedirectTarget::Socket { map, cookie, .. } => format!("socket {cookie} of {map}"),
        RedirectTarget::Everybody { map } => format!("every interface in {map}"),
    }
}

fn too_short(packet: &Packet) -> Diagnostic {
    Diagnostic::warning(
        codes::RUN_INPUT,
        format!(
            "{} bytes are too few for the header of a {} packet",
            packet.data.len(),
            packet.link_type
        ),
    )
}

fn takes_no_packets(name: &str, kind: ProgramKind) -> Diagnostic {
    Diagnostic::error(
        codes::RUN_INPUT,
        format!("`{name}` is a {kind} program; programs of this type are not given packets"),
    )
    .help("give its context with `--ctx-in FILE`, or `--ctx-in hex:…`, instead of `--pcap`")
}
