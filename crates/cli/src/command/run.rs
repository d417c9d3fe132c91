//! `osmia run`: an object goes in, verdicts on packets come out.

mod bar;
mod described;
mod engine;
pub(super) mod json;
mod listen;
mod machine;
mod on;
mod report;
mod source;
mod stdin;
pub(super) mod text;

use std::ffi::OsString;
use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use osmia::capture::{CaptureReader, CaptureWriter, Framing};
use osmia::diag::Diagnostic;
use osmia::{Error, Event, Fault, Host, Linked, Loaded, Outcome, Place, RunOptions, codes};

use self::bar::Bar;
use self::engine::EngineFlag;
use self::machine::MachineFlags;
use self::on::{Hosts, On};
pub(super) use self::report::Input;
use self::report::Report;
use self::source::Source;
use super::object::ObjectFlags;
use crate::console::Console;
use crate::exit::Exit;

/// Run a program of an object file on captured packets or given bytes, or programs on what a command does.
///
/// Prints what the program prints and sends, then how often it decided what, then its variables and
/// maps. Several files are linked statically first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia run examples/hello.bpf.o --pcap examples/ping.pcap
  osmia run lb.bpf.o --prog balance --pcap in.pcap --pcap-out out.pcap
  osmia run filter.bpf.o --data-in hex:ffffffffffff02000000000108004500... --set port=443
  osmia run examples/hello_exec.bpf.o -- sh -c 'ls | wc -l'
  osmia run examples/connect4.bpf.o --ctx examples/connect4.toml --comm curl --uid 1000
  tcpdump -i eth0 -c 100 -w - | osmia run xdp.bpf.o --pcap -")]
pub(crate) struct Run {
    /// Packets to run on: a pcap or pcapng file, `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_in", "ctx_in"], help_heading = "Input")]
    pcap: Option<PathBuf>,
    /// Put an Ethernet header in front of packets captured without one.
    #[arg(long, requires = "pcap", help_heading = "Input")]
    as_ethernet: bool,
    /// One packet: a file of raw bytes, or `hex:` and digits.
    #[arg(long, value_name = "BYTES", help_heading = "Input")]
    data_in: Option<Source>,
    /// The context: a file of raw bytes, or `hex:` and digits.
    #[arg(long, value_name = "BYTES", help_heading = "Input")]
    ctx_in: Option<Source>,
    /// A description of context, task and files by names: TOML, or JSON if the name ends in `.json`;
    /// `-` reads JSON from stdin, one description a line. `docs/describe.md` says what it may name.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pcap", "data_in", "ctx_in"], help_heading = "Input")]
    ctx: Option<PathBuf>,
    /// Run this often on each packet, which is not restored in between.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Input")]
    repeat: u32,

    /// What becomes of the command if osmia is ended: it ends too, or goes on; then every system call
    /// stops for a moment, not only those that somebody listens to.
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value_t,
        requires = "command",
        help_heading = "Input"
    )]
    on_exit: listen::OnExit,
    /// List the places where programs can listen to a command, by a pattern with `*` and `?`.
    #[arg(long, value_name = "GLOB", exclusive = true, help_heading = "Input")]
    list: Option<String>,

    /// Write the packets the program lets go on (not those it drops), as it left them.
    #[arg(long, value_name = "FILE", requires = "pcap", help_heading = "Output")]
    pcap_out: Option<PathBuf>,
    /// Show what programs print as Linux does in `trace_pipe`: task, CPU, time.
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    trace_pipe: bool,
    /// Print JSON, one value a line: events as they come, the result last.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) json: bool,

    /// Where the program is loaded.
    #[arg(
        long,
        value_enum,
        value_name = "HOST",
        default_value_t,
        help_heading = "Machine"
    )]
    on: On,
    /// Do not ask the verifier: what it rejects runs too, until it does what it may not.
    #[arg(long, help_heading = "Program")]
    unverified: bool,
    /// The program to run; may be left out if there is only one.
    #[arg(long, value_name = "NAME", help_heading = "Program")]
    prog: Option<String>,
    #[command(flatten)]
    object: ObjectFlags,
    /// A command to run: the object's programs listen to what its processes do (system calls by
    /// tracepoints and `ksyscall`, processes that begin, run and end, signals).
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["pcap", "data_in", "ctx_in", "ctx", "repeat"], help_heading = "Input")]
    command: Vec<OsString>,
    #[command(flatten)]
    engine: EngineFlag,
    #[command(flatten)]
    machine: MachineFlags,
}

impl Run {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        if let Some(pattern) = &self.list {
            return Ok(listen::list(pattern, console));
        }
        self.on.refuse(self.only_elsewhere())?;
        let object = self.object.open(console)?;
        let mut options = (self.object).user_options(&object, self.needs_types(), console)?;
        self.machine.apply(&mut options)?;
        options.unverified = self.unverified;
        self.engine.prepare(&mut options, self.machine.has_budget());
        let other_engine = self.engine.twin(&options)?;
        let Hosts { first, twin } = self.on.hosts(options, other_engine)?;

        let wanted = self.prog.as_deref();
        let linked = self.object.link(&object, first.target(), wanted, console)?;
        let programs = self.programs(&linked, wanted)?;
        let names: Vec<&str> = programs.iter().map(String::as_str).collect();
        let program = programs[0].clone();
        let way_out = |error| match first.user() {
            Some(_) => with_way_out(error),
            // The kernel takes nothing unverified.
            None => error,
        };
        let mut loaded = linked.load(&first, &names).map_err(way_out)?;
        let beside = twin.as_ref().filter(|twin| twin.user().is_none());
        let how = self.engine.how(&loaded, beside, &program)?;
        if let Some(twin) = &twin {
            // Its notes are those of the first.
            let linked = object.link(twin.target(), &self.object.link_options(wanted))?;
            loaded = loaded.beside(linked.load(twin, &names)?);
        }

        let mut report = Report::new(self.json, &loaded, &program, self.source(), how)
            .trace_pipe(self.trace_pipe);
        if !self.command.is_empty() {
            return self.run_command(&loaded, &names, &report, console);
        }
        let summary = match (&self.pcap, &self.ctx) {
            (Some(path), _) => self.run_capture(&loaded, &program, path, &mut report, console)?,
            (None, Some(path)) => described::run(
                &loaded,
                &program,
                path,
                &self.options(),
                &mut report,
                console,
            )?,
            (None, None) => self.run_bytes(&loaded, &program, &mut report, console)?,
        };
        for diagnostic in &summary.diagnostics {
            console.diagnostic(&self.with_flags(diagnostic));
        }
        report.finish(console, &loaded, &summary)?;
        Ok(match summary.outcome {
            Outcome::Complete | Outcome::Interrupted => Exit::Ok,
            Outcome::Trap | Outcome::Difference | Outcome::CaptureError => Exit::Negative,
        })
    }

    /// Contexts are laid out by the kernel's types.
    fn needs_types(&self) -> bool {
        self.ctx.is_some() || !self.command.is_empty()
    }

    /// The programs to run: of several that listen to a command all those that are to be loaded.
    fn programs(&self, linked: &Linked, wanted: Option<&str>) -> Result<Vec<String>, Error> {
        let listeners: Vec<String> = linked.autoloaded().map(str::to_owned).collect();
        if self.command.is_empty() || wanted.is_some() || listeners.is_empty() {
            return Ok(vec![linked.choose(wanted)?.to_owned()]);
        }
        Ok(listeners)
    }

    /// A flag that was given and does nothing on the host that was chosen.
    fn only_elsewhere(&self) -> Option<&'static str> {
        let is_user = self.on == On::Linux;
        let flags = [
            ("--ctx", self.ctx.is_some()),
            ("a command", !self.command.is_empty()),
            ("--trace-pipe", self.trace_pipe && is_user),
            ("--unverified", self.unverified && is_user),
            ("--engine", self.engine.is_given(self.on == On::Both)),
        ];
        let given = flags.iter().find(|(_, is_given)| *is_given);
        given
            .map(|(flag, _)| *flag)
            .or(self.machine.only_elsewhere(is_user))
            .or(self.object.only_elsewhere().filter(|_| is_user))
    }

    /// The library does not know our flags; where one helps, it is named.
    fn with_flags(&self, diagnostic: &Diagnostic) -> Diagnostic {
        let diagnostic = diagnostic.clone();
        match (&self.pcap, diagnostic.code.id) {
            (Some(path), code) if code.starts_with("capture-") => {
                diagnostic.in_file(&path.display().to_string())
            }
            (_, "vm-budget") => diagnostic.help("`--budget N` gives it more"),
            _ => diagnostic,
        }
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            repeat: self.repeat,
            cpu: self.machine.cpu(),
            as_ethernet: self.as_ethernet,
            task: self.machine.task(),
        }
    }

    /// Where the inputs come from, for the report.
    fn source(&self) -> Input {
        if !self.command.is_empty() {
            return Input::Command(listen::shown(&self.command));
        }
        match (&self.pcap, &self.ctx) {
            (Some(path), _) => Input::Capture(path.display().to_string()),
            (None, Some(path)) => Input::Description(path.display().to_string()),
            (None, None) => Input::Bytes,
        }
    }

    fn run_capture(
        &self,
        loaded: &Loaded<'_, Place>,
        program: &str,
        path: &Path,
        report: &mut Report,
        console: &mut Console,
    ) -> Result<osmia::RunSummary, Error> {
        let file = path.display().to_string();
        let stop = stop_on_interrupt();
        let (input, bytes) = source::open(path, &stop)?;
        let mut capture =
            CaptureReader::new(input).map_err(|error| Error::from(&error).in_file(&file))?;
        let framing = match loaded.set().program(program) {
            Some(program) => Some(self.options().framing(program)?),
            None => None,
        };
        let mut writer = match (&self.pcap_out, framing) {
            (Some(path), Some(framing)) => Some(PacketFile::create(path, framing)?),
            _ => None,
        };
        report.start(console);
        let mut bar = Bar::for_capture(bytes, console);
        let mut write_error = None;
        let summary = loaded.run_capture(program, &mut capture, &self.options(), &mut |event| {
            if let Event::Packet {
                packet,
                verdict,
                capture_offset,
            } = &event
            {
                bar.advance(packet.number, *capture_offset);
                if let Some(writer) = &mut writer
                    && let Some(bytes) = verdict.passes(packet.data.len())
                    && let Err(error) = writer.write(packet, bytes)
                {
                    write_error = Some(error);
                    return ControlFlow::Break(());
                }
            }
            if matches!(event, Event::Trace { .. } | Event::Record { .. }) {
                bar.make_way(console);
            }
            report.event(console, &event);
            if stop.load(Ordering::Relaxed) || console.is_closed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        bar.finish();
        if let Some(error) = write_error {
            return Err(error);
        }
        if let Some(writer) = writer {
            writer.finish()?;
        }
        let summary = summary.map(|mut summary| {
            if stop.load(Ordering::Relaxed) {
                summary.interrupted();
            }
            summary
        });
        summary.map_err(|error| {
            let is_captures = |d: &Diagnostic| d.code.id.starts_with("capture-");
            if error.diagnostics.iter().all(is_captures) {
                error.in_file(&file)
            } else {
                error
            }
        })
    }

    fn run_bytes(
        &self,
        loaded: &Loaded<'_, Place>,
        program: &str,
        report: &mut Report,
        console: &mut Console,
    ) -> Result<osmia::RunSummary, Error> {
        let hook = loaded.set().program(program).map(|program| &program.hook);
        let takes_packets = hook.is_some_and(|hook| Framing::new(hook.kind, false).is_some());
        if takes_packets && self.data_in.is_none() {
            return Err(Error::new(
                Fault::Usage,
                Diagnostic::error(
                    codes::RUN_INPUT,
                    format!("`{program}` needs packets to run on"),
                )
                .help("give a capture with `--pcap FILE`, or one packet with `--data-in BYTES`"),
            ));
        }
        let data = self.data_in.as_ref().map(Source::read).transpose()?;
        let ctx = self.ctx_in.as_ref().map(Source::read).transpose()?;
        if !takes_packets && self.ctx_in.is_none() {
            console.diagnostic(
                &Diagnostic::note_only(
                    codes::RUN_INPUT,
                    format!("`{program}` runs once, on a context of zeroes"),
                )
                .help("describe it with `--ctx FILE`, or give its bytes with `--ctx-in BYTES`"),
            );
        }
        report.start(console);
        loaded.run_bytes(
            program,
            data.unwrap_or_default(),
            ctx.unwrap_or_default(),
            &self.options(),
            &mut |event| {
                report.event(console, &event);
                ControlFlow::Continue(())
            },
        )
    }
}

/// A rejection says how to see what the program does all the same.
fn with_way_out(mut error: Error) -> Error {
    for diagnostic in &mut error.diagnostics {
        if diagnostic.code.id.starts_with("verify-") {
            *diagnostic = (diagnostic.clone())
                .help("`--unverified` runs it all the same, until it does what it may not");
        }
    }
    error
}

/// A flag that Ctrl-C raises; the second Ctrl-C ends the process.
pub(super) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    // Where no handler can be set Ctrl-C ends the process at once, as without one.
    let _ = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    stop
}

/// The capture that is being written.
struct PacketFile {
    path: PathBuf,
    writer: CaptureWriter<BufWriter<File>>,
}

impl PacketFile {
    fn create(path: &Path, framing: Framing) -> Result<Self, Error> {
        let file = File::create(path).map_err(|error| Error::io(path, &error))?;
        let writer = CaptureWriter::new(BufWriter::new(file), framing.link_type())
            .map_err(|error| Error::io(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
        })
    }

    fn write(&mut self, packet: &osmia::capture::Packet, bytes: usize) -> Result<(), Error> {
        let data = &packet.data[..bytes];
        let original = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        self.writer
            .write(data, original, packet.timestamp_ns)
            .map_err(|error| Error::io(&self.path, &error))
    }

    fn finish(self) -> Result<(), Error> {
        let Self { path, writer } = self;
        writer
            .finish()
            .map(drop)
            .map_err(|error| Error::io(&path, &error))
    }
}
