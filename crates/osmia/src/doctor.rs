//! What a machine allows: each thing that opens or closes something to programs, and the way to open it.
//!
//! It only reads files, so it changes nothing and needs no rights. What a file does not say is [`State::Unknown`], which is
//! neither yes nor no.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// What that means.
    pub state: State,
    /// What it opens where it is open.
    pub opens: &'static str,
    /// How to open it where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<&'static str>,
}

/// Whether something is open.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is.
    Open,
    /// It is not.
    Closed,
    /// It cannot be told from here.
    Unknown,
}

/// A check: what it looks at, what that opens, how to open it.
struct Check {
    name: &'static str,
    look: fn(&Machine) -> (String, State),
    opens: &'static str,
    way: &'static str,
}

const CHECKS: [Check; 18] = [
    Check {
        name: "kernel",
        look: kernel,
        opens: "`--on linux`",
        way: "run on Linux; `--on user` needs no kernel of its own",
    },
    Check {
        name: "BTF of the kernel",
        look: kernel_types,
        opens: "linking for the running kernel's types, and programs at its functions",
        way: "a kernel with CONFIG_DEBUG_INFO_BTF; without it programs see the types that are shipped",
    },
    Check {
        name: "CAP_BPF",
        look: |machine| machine.capability(39),
        opens: "`--on linux`: maps and programs of the kernel",
        way: "root, or `setcap cap_bpf+ep` on the command; `--on user` needs none",
    },
    Check {
        name: "CAP_PERFMON",
        look: |machine| machine.capability(38),
        opens: "`--on linux`: programs that trace",
        way: "root, or `setcap cap_perfmon,cap_bpf+ep` on the command",
    },
    Check {
        name: "CAP_NET_ADMIN",
        look: |machine| machine.capability(12),
        opens: "`--on linux`: programs for packets",
        way: "root, or `setcap cap_net_admin,cap_bpf+ep` on the command",
    },
    Check {
        name: "CAP_SYS_ADMIN",
        look: |machine| machine.capability(21),
        opens: "`prog`, `map`, `link` and `btf show` of everything the kernel holds, by id and name",
        way: "root; without it what is pinned where you may read can be named by its path",
    },
    Check {
        name: "bpf(2) without rights",
        look: |machine| {
            machine.number("proc/sys/kernel/unprivileged_bpf_disabled", |said| {
                said == 0
            })
        },
        opens: "`--on linux` for socket filters and maps without any capability",
        way: "`sysctl kernel.unprivileged_bpf_disabled=0`, not possible after 1 until the next start; not advised where others have accounts",
    },
    Check {
        name: "lockdown",
        look: lockdown,
        opens: "reading kernel memory from programs, and tracing that wants it",
        way: "start the kernel without `lockdown=`, or without Secure Boot where that turns it on",
    },
    Check {
        name: "machine code of the kernel",
        look: |machine| machine.number("proc/sys/net/core/bpf_jit_enable", |said| said != 0),
        opens: "`--on linux` at full speed",
        way: "`sysctl net.core.bpf_jit_enable=1`",
    },
    Check {
        name: "file system for pins",
        look: pins,
        opens: "`pin`, and objects that outlive a command",
        way: "`mount -t bpf bpf /sys/fs/bpf`",
    },
    Check {
        name: "kprobes",
        look: |machine| machine.there("sys/bus/event_source/devices/kprobe"),
        opens: "programs at functions of the kernel, by kprobe",
        way: "a kernel with CONFIG_KPROBE_EVENTS",
    },
    Check {
        name: "uprobes",
        look: |machine| machine.there("sys/bus/event_source/devices/uprobe"),
        opens: "programs at functions of other processes, by the kernel",
        way: "a kernel with CONFIG_UPROBE_EVENTS",
    },
    Check {
        name: "tracefs",
        look: |machine| machine.folder("sys/kernel/tracing/events"),
        opens: "programs at tracepoints of the kernel, by name",
        way: "root, and `mount -t tracefs tracefs /sys/kernel/tracing`",
    },
    Check {
        name: "cgroup v2",
        look: |machine| machine.mounted("cgroup2"),
        opens: "programs at control groups",
        way: "`mount -t cgroup2 none /sys/fs/cgroup/unified`, or start with the unified hierarchy",
    },
    Check {
        name: "user namespaces",
        look: user_namespaces,
        opens: "networks of one's own without rights",
        way: "`sysctl user.max_user_namespaces=10000`, and where they are there kernel.unprivileged_userns_clone=1, \
              kernel.apparmor_restrict_unprivileged_userns=0",
    },
    Check {
        name: "perf events",
        look: |machine| machine.number("proc/sys/kernel/perf_event_paranoid", |said| said <= 2),
        opens: "sampling one's own processes without rights",
        way: "`sysctl kernel.perf_event_paranoid=2`",
    },
    Check {
        name: "ptrace",
        look: ptrace,
        opens: "`run FILE -- COMMAND`: programs on the system calls of one's own processes, without rights",
        way: "`sysctl kernel.yama.ptrace_scope=1`; after 3 not until the next start",
    },
    Check {
        name: "filters of system calls",
        look: filters,
        opens: "`run FILE -- COMMAND` at full speed: only the calls asked for stop",
        way: "a kernel with CONFIG_SECCOMP_FILTER, and a container that lets its processes filter themselves",
    },
];

/// What this machine allows.
pub fn examine() -> Vec<Finding> {
    examine_under(Path::new("/"))
}

/// What a machine allows whose files lie under a folder.
pub fn examine_under(root: &Path) -> Vec<Finding> {
    let machine = Machine {
        root: root.to_owned(),
    };
    let finding = |check: &Check| {
        let (found, state) = (check.look)(&machine);
        Finding {
            name: check.name,
            found,
            state,
            opens: check.opens,
            way: (state != State::Open).then_some(check.way),
        }
    };
    CHECKS.iter().map(finding).collect()
}

/// A machine by its files.
struct Machine {
    root: PathBuf,
}

fn state(is_open: bool) -> State {
    match is_open {
        true => State::Open,
        false => State::Closed,
    }
}

fn unknown() -> (String, State) {
    ("not told".to_owned(), State::Unknown)
}

impl Machine {
    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn text(&self, file: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.path(file)).ok()?;
        Some(text.trim().to_owned())
    }

    fn number(&self, file: &str, is_open: fn(i64) -> bool) -> (String, State) {
        match self.text(file).and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => (number.to_string(), state(is_open(number))),
            None => unknown(),
        }
    }

    fn capability(&self, bit: u32) -> (String, State) {
        let status = self.text("proc/self/status").unwrap_or_default();
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        match effective.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()) {
            Some(held) if held >> bit & 1 != 0 => ("held".to_owned(), State::Open),
            Some(_) => ("not held".to_owned(), State::Closed),
            None => unknown(),
        }
    }

    fn there(&self, file: &str) -> (String, State) {
        match self.path(file).exists() {
            true => ("there".to_owned(), State::Open),
            false => ("not there".to_owned(), State::Closed),
        }
    }

    fn folder(&self, folder: &str) -> (String, State) {
        match std::fs::read_dir(self.path(folder)) {
            Ok(_) => ("readable".to_owned(), State::Open),
            Err(error) => (why(&error), State::Closed),
        }
    }

    /// Where a file system of this type is mounted.
    fn mounted(&self, kind: &str) -> (String, State) {
        let Some(mounts) = self.text("proc/self/mounts") else {
            return unknown();
        };
        let place = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let place = words.nth(1)?;
            (words.next()? == kind).then(|| place.to_owned())
        });
        match place {
            Some(place) => (place, State::Open),
            None => ("not mounted".to_owned(), State::Closed),
        }
    }
}

fn kernel(machine: &Machine) -> (String, State) {
    match machine.text("proc/sys/kernel/osrelease") {
        Some(release) => (format!("Linux {release}"), State::Open),
        None => ("no Linux".to_owned(), State::Closed),
    }
}

fn kernel_types(machine: &Machine) -> (String, State) {
    match std::fs::File::open(machine.path("sys/kernel/btf/vmlinux")) {
        Ok(_) => ("readable".to_owned(), State::Open),
        Err(error) => (why(&error), State::Closed),
    }
}

fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "not there".to_owned(),
        kind => kind.to_string(),
    }
}

/// `none [integrity] confidentiality`: the one in brackets counts.
fn lockdown(machine: &Machine) -> (String, State) {
    let Some(text) = machine.text("sys/kernel/security/lockdown") else {
        return unknown();
    };
    let chosen = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    match chosen {
        Some((chosen, _)) => (chosen.to_owned(), state(chosen != "confidentiality")),
        None => unknown(),
    }
}

fn pins(machine: &Machine) -> (String, State) {
    machine.mounted("bpf")
}

fn user_namespaces(machine: &Machine) -> (String, State) {
    let number = |file: &str| machine.text(file).and_then(|text| text.parse::<u64>().ok());
    let Some(most) = number("proc/sys/user/max_user_namespaces") else {
        return unknown();
    };
    // Debian's and Ubuntu's own switches; where they are not there, they close nothing.
    let is_cloned = number("proc/sys/kernel/unprivileged_userns_clone") != Some(0);
    let restricted = number("proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    let is_open = most > 0 && is_cloned && restricted.unwrap_or_default() == 0;
    (format!("at most {most}"), state(is_open))
}

fn ptrace(machine: &Machine) -> (String, State) {
    match machine.text("proc/sys/kernel/yama/ptrace_scope") {
        Some(scope) => {
            let is_open = matches!(scope.as_str(), "0" | "1");
            (format!("scope {scope}"), state(is_open))
        }
        // The security module that narrows it is not there.
        None => ("not narrowed".to_owned(), State::Open),
    }
}

/// The actions the kernel's filters know; `trace` hands a call to who traces the process.
fn filters(machine: &Machine) -> (String, State) {
    match machine.text("proc/sys/kernel/seccomp/actions_avail") {
        Some(actions) if actions.split(' ').any(|action| action == "trace") => {
            ("trace".to_owned(), State::Open)
        }
        Some(actions) => (actions, State::Closed),
        None => ("not there".to_owned(), State::Closed),
    }
}
