//! `osmia attach`: programs on the running kernel, as long as somebody looks.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use osmia::diag::Diagnostic;
use osmia::{Attached, Error, Fault, Ground, Heard, Host, Linked, Loaded, Place, XdpMode, codes};
use serde::Serialize;
use serde_json::json;

use super::object::ObjectFlags;
use super::run::{Input, json, stop_on_interrupt, text};
use crate::console::Console;
use crate::exit::Exit;
use crate::table::counted;

/// How long until programs are heard again.
const PATIENCE: Duration = Duration::from_millis(20);

const SCHEMA: &str = "osmia.attach/1";

/// Attach an object's programs to the running kernel, where their sections say.
///
/// Shows what they send until Ctrl-C, until a time is over or until a command has ended; then they are detached, and
/// their variables and maps are printed. Needs root, or the capabilities the types of programs ask for.
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia attach drop.bpf.o --interface eth0 --for 10
  osmia attach connect4.bpf.o --cgroup /sys/fs/cgroup/mine
  osmia attach opensnoop.bpf.o --record events=event -- ls
  osmia attach filter.bpf.o --interface eth0 --xdp generic --pin /sys/fs/bpf/filter")]
pub(crate) struct Attach {
    /// Another place than its section names, for one program or for all: `/usr/bin/bash:readline`,
    /// `count=sched/sched_switch`.
    #[arg(long, value_name = "[PROGRAM=]PLACE", help_heading = "Where")]
    at: Vec<String>,
    /// The network interface for XDP, TC and netkit programs.
    #[arg(short, long, value_name = "NAME", help_heading = "Where")]
    interface: Option<String>,
    /// How XDP programs are given packets.
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        default_value_t,
        help_heading = "Where"
    )]
    xdp: Xdp,
    /// Programs whose section does not say it see packets that leave, not those that come.
    #[arg(long, help_heading = "Where")]
    egress: bool,
    /// The control group, by its folder.
    #[arg(long, value_name = "PATH", help_heading = "Where")]
    cgroup: Option<PathBuf>,
    /// The network namespace, by its file, for `sk_lookup` and `flow_dissector`. [default: this one]
    #[arg(long, value_name = "PATH", help_heading = "Where")]
    netns: Option<PathBuf>,
    /// Only in this process: functions of files, clocks.
    #[arg(long, value_name = "PID", help_heading = "Where")]
    pid: Option<u32>,
    /// Ticks a second of `perf_event` programs, on every CPU.
    #[arg(long, value_name = "N", default_value_t = 99, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Where")]
    hertz: u64,

    /// Detach after so many seconds.
    #[arg(
        long = "for",
        value_name = "SECONDS",
        conflicts_with = "command",
        help_heading = "Until"
    )]
    seconds: Option<u64>,
    /// Pin the links in this folder, by the programs' names: they stay attached. Without a time or a command that is all.
    #[arg(long, value_name = "FOLDER", help_heading = "Until")]
    pin: Option<PathBuf>,

    /// Print JSON, one value a line.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Only this program.
    #[arg(long, value_name = "NAME", help_heading = "Program")]
    prog: Option<String>,
    #[command(flatten)]
    object: ObjectFlags,
    /// Run this command, and detach when it has ended.
    #[arg(last = true, value_name = "COMMAND", help_heading = "Until")]
    command: Vec<OsString>,
}

/// How XDP programs are given packets.
#[derive(Copy, Clone, Debug, Default, ValueEnum)]
enum Xdp {
    /// By the driver if it can, otherwise by the kernel
    #[default]
    Auto,
    /// By the kernel
    Generic,
    /// By the driver
    Native,
    /// In the network card
    Offload,
}

impl Attach {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        if let Some(flag) = self.object.only_elsewhere() {
            let message = format!("`{flag}` describes another kernel than the running one");
            return Err(Error::new(
                Fault::Usage,
                Diagnostic::error(codes::RUN_HOST, message),
            ));
        }
        let object = self.object.open(console)?;
        let host = Place::linux()?;
        let wanted = self.prog.as_deref();
        let linked = self.object.link(&object, host.target(), wanted, console)?;
        let names = programs(&linked, wanted)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let loaded = linked.load(&host, &names)?;
        let attached = loaded.attach(&names, &self.ground())?;
        if let Some(folder) = &self.pin {
            for one in &attached {
                one.pin(folder)?;
            }
        }
        self.start(console, &attached);
        if self.is_left_alone() {
            return Ok(Exit::Ok);
        }
        for one in &attached {
            if let Some(printed) = one.walk()? {
                console.text(&String::from_utf8_lossy(&printed));
            }
        }
        let walked = attached.iter().all(|one| one.section.starts_with("iter"));
        let (heard, ended) = match walked {
            true => (Heard::default(), None),
            false => self.watch(&loaded, console)?,
        };
        // Nothing changes any more when contents are read.
        if self.pin.is_none() {
            drop(attached);
        }
        self.finish(console, &loaded, heard, ended)?;
        Ok(ended.map_or(Exit::Ok, exit_of))
    }

    fn ground(&self) -> Ground {
        let at = self.at.iter().map(|given| match given.split_once('=') {
            Some((program, place)) => (program.to_owned(), place.to_owned()),
            None => (String::new(), given.clone()),
        });
        Ground {
            at: at.collect(),
            interface: self.interface.clone(),
            xdp: match self.xdp {
                Xdp::Auto => XdpMode::Auto,
                Xdp::Generic => XdpMode::Generic,
                Xdp::Native => XdpMode::Native,
                Xdp::Offload => XdpMode::Offload,
            },
            egress: self.egress,
            cgroup: self.cgroup.clone(),
            network: self.netns.clone(),
            process: self.pid,
            hertz: self.hertz,
        }
    }

    /// Pinned, and nobody said how long to look.
    fn is_left_alone(&self) -> bool {
        self.pin.is_some() && self.seconds.is_none() && self.command.is_empty()
    }

    /// Shows what programs send until it is time.
    fn watch(
        &self,
        loaded: &Loaded<'_, Place>,
        console: &mut Console,
    ) -> Result<(Heard, Option<ExitStatus>), Error> {
        let stop = stop_on_interrupt();
        let mut child = self.child()?;
        let end = self
            .seconds
            .map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut heard = Heard::default();
        let mut ended = None;
        loop {
            let is_over = match &mut child {
                // Ctrl-C is the command's; we go when it goes.
                Some(child) => {
                    ended = child.try_wait().map_err(|error| self.not_started(&error))?;
                    ended.is_some()
                }
                None => {
                    stop.load(Ordering::Relaxed) || end.is_some_and(|end| Instant::now() >= end)
                }
            };
            let flow = loaded.hear(&mut heard, &mut |event| {
                match self.json {
                    true => json::event(console, &event),
                    false => text::event(console, &event, &Input::Bytes, false),
                }
                match console.is_closed() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            console.flush();
            if is_over || flow.is_break() {
                return Ok((heard, ended));
            }
            thread::sleep(PATIENCE);
        }
    }

    fn child(&self) -> Result<Option<Child>, Error> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(None);
        };
        let child = Command::new(program).args(arguments).spawn();
        child.map(Some).map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let command = Path::new(&self.command[0]).display();
        let message = format!("the command `{command}` cannot be run: {error}");
        let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message);
        Error::new(Fault::Usage, diagnostic)
    }

    fn start(&self, console: &mut Console, attached: &[Attached]) {
        if self.json {
            let programs: Vec<_> = attached.iter().map(ProgramLine::of).collect();
            console.value(&json!({ "type": "start", "schema": SCHEMA, "programs": programs }));
        } else {
            for one in attached {
                let at = match one.place.as_str() {
                    "" => String::new(),
                    place => format!(" at {place}"),
                };
                let ids: Vec<_> = one.ids().iter().map(u32::to_string).collect();
                let (name, section, ids) = (&one.program, &one.section, ids.join(", "));
                console.line(&format!("{name} ({section}) is attached{at}, link {ids}"));
            }
        }
        console.flush();
    }

    fn finish(
        &self,
        console: &mut Console,
        loaded: &Loaded<'_, Place>,
        heard: Heard,
        ended: Option<ExitStatus>,
    ) -> Result<(), Error> {
        let (globals, maps) = (loaded.globals()?, loaded.map_contents()?);
        if self.json {
            console.value(&json!({
                "type": "result",
                "schema": SCHEMA,
                "status": ended.and_then(|ended| ended.code()),
                "trace_lines": heard.trace_lines,
                "records": heard.records,
                "records_lost": heard.records_lost,
                "globals": globals,
                "maps": maps,
            }));
            return Ok(());
        }
        if heard.records_lost > 0 {
            let lost = counted(heard.records_lost, "record");
            console.line(&format!("{lost} lost, as nobody read them in time"));
        }
        text::contents(console, &globals, &maps);
        Ok(())
    }
}

/// The programs to attach: all that are to be loaded, or the one that was named.
fn programs(linked: &Linked, wanted: Option<&str>) -> Result<Vec<String>, Error> {
    let all: Vec<String> = linked.autoloaded().map(str::to_owned).collect();
    if wanted.is_some() || all.is_empty() {
        return Ok(vec![linked.choose(wanted)?.to_owned()]);
    }
    Ok(all)
}

fn exit_of(ended: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    // The shell's way to say that a signal ended a command.
    let by_signal = |signal: i32| 128 + signal;
    let status = ended.code().or(ended.signal().map(by_signal));
    Exit::Commands(status.unwrap_or_default() as u8)
}

/// A program that is attached.
#[derive(Serialize)]
struct ProgramLine<'a> {
    name: &'a str,
    section: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'a str,
    links: Vec<u32>,
}

impl<'a> ProgramLine<'a> {
    fn of(attached: &'a Attached) -> Self {
        Self {
            name: &attached.program,
            section: &attached.section,
            place: &attached.place,
            links: attached.ids(),
        }
    }
}
