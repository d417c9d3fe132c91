//! Where a program goes: what its section says, and what a person chose.

use std::os::fd::OwnedFd;
use std::path::Path;

use osmia_diag::Diagnostic;
use osmia_linux::{At, Event};
use osmia_program::{AttachKind as A, Fault, Host, Program, ProgramKind as P};

use super::binary;
use super::ground::Ground;
use crate::{Error, Loaded, Place, PlacedMap, codes};

/// What the kernel calls the functions of system calls.
const SYSCALL: &str = if cfg!(target_arch = "aarch64") {
    "__arm64_sys_"
} else {
    "__x64_sys_"
};
/// `NFPROTO_IPV4`, `NF_INET_LOCAL_IN`: what a section does not say and nobody else either.
const NETFILTER: At = At::Netfilter {
    family: 2,
    hook: 1,
    priority: -128,
};

/// Where this program goes; several places for one that is at each CPU.
pub(super) fn places(
    program: &Program,
    ground: &Ground,
    loaded: &Loaded<'_, Place>,
) -> Result<Vec<At>, Error> {
    let target = target(program, ground)?;
    let at = match (program.hook.kind, program.hook.attach) {
        (P::Tracing | P::Lsm, Some(attach)) if attach != A::LsmCgroup => At::Own,
        (P::RawTracepoint | P::RawTracepointWritable, _) => {
            At::RawTracepoint(named(program, target)?.to_owned())
        }
        (P::Tracepoint, _) => {
            let (category, name) = named(program, target)?.split_once('/').ok_or_else(|| {
                let help = "`tracepoint/CATEGORY/NAME` is how such sections are called";
                unclear(program, "its section names no category", help)
            })?;
            At::Event(Event::Tracepoint {
                category: category.to_owned(),
                name: name.to_owned(),
            })
        }
        (P::Kprobe, _) => probe(program, target, ground)?,
        (P::PerfEvent, _) => {
            let cpus = 0..loaded.host().target().cpus;
            let clock = |cpu| {
                At::Event(Event::Clock {
                    hertz: ground.hertz,
                    cpu,
                    process: ground.process,
                })
            };
            return Ok(cpus.map(clock).collect());
        }
        (P::Xdp, None | Some(A::Xdp)) => interface(program, ground, A::Xdp, ground.xdp.flags())?,
        (P::SchedCls, attach) => {
            let way = match ground.egress {
                true => A::TcxEgress,
                false => A::TcxIngress,
            };
            interface(program, ground, attach.unwrap_or(way), 0)?
        }
        (P::Netfilter, _) => NETFILTER,
        (_, Some(attach)) if is_for_networks(attach) => {
            let own = Path::new("/proc/self/ns/net");
            let path = ground.network.as_deref().unwrap_or(own);
            object(path, attach)?
        }
        (P::SkSkb | P::SkMsg, Some(attach)) => At::Object {
            fd: socket_map(program, loaded)?,
            attach,
        },
        (
            P::CgroupSkb
            | P::CgroupSock
            | P::CgroupSockAddr
            | P::CgroupSockopt
            | P::CgroupSysctl
            | P::CgroupDevice
            | P::SockOps
            | P::Lsm,
            attach,
        ) => {
            let way = match ground.egress {
                true => A::CgroupInetEgress,
                false => A::CgroupInetIngress,
            };
            let Some(path) = &ground.cgroup else {
                let help = "`--cgroup PATH` names one: a folder of the cgroup2 file system";
                return Err(unclear(
                    program,
                    "it is for the processes of a control group",
                    help,
                ));
            };
            object(path, attach.unwrap_or(way))?
        }
        (kind, _) => {
            let message = format!(
                "`{}` ({}) cannot be attached by osmia: there is no way yet for programs of type {kind}",
                program.name, program.section
            );
            let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message);
            return Err(Error::new(Fault::Unsupported, diagnostic));
        }
    };
    Ok(vec![at])
}

/// What the section names, or the person who attaches.
fn target<'t>(program: &'t Program, ground: &'t Ground) -> Result<&'t str, Error> {
    let said = program.hook.target.as_deref().unwrap_or_default();
    let given = ground.at.get(&program.name).or_else(|| ground.at.get(""));
    let Some(given) = given else {
        return Ok(said);
    };
    match program.hook.kind {
        P::Kprobe | P::Tracepoint | P::RawTracepoint | P::RawTracepointWritable => Ok(given),
        _ => {
            let message = format!(
                "`{}` ({}) was loaded for its place: another one cannot be given",
                program.name, program.section
            );
            let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message);
            Err(Error::new(Fault::Usage, diagnostic))
        }
    }
}

/// Hooks that a network namespace has.
pub(super) fn is_for_networks(attach: A) -> bool {
    matches!(attach, A::SkLookup | A::FlowDissector)
}

fn unclear(program: &Program, why: &str, help: &str) -> Error {
    let message = format!(
        "it is not clear where to attach `{}` ({}): {why}",
        program.name, program.section
    );
    let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message).help(help);
    Error::new(Fault::Usage, diagnostic)
}

fn named<'t>(program: &Program, target: &'t str) -> Result<&'t str, Error> {
    let help = "its section says so behind a slash, as in `kprobe/do_unlinkat`";
    match target {
        "" => Err(unclear(program, "its section names no place", help)),
        target => Ok(target),
    }
}

/// Functions of the kernel and of files, by the first word of the section.
fn probe(program: &Program, target: &str, ground: &Ground) -> Result<At, Error> {
    let section = program.section.trim_start_matches('?');
    let word = section.split('/').next().unwrap_or_default();
    let word = word.strip_suffix(".s").unwrap_or(word);
    let target = named(program, target)?;
    let returns = matches!(
        word,
        "kretprobe" | "kretsyscall" | "uretprobe" | "kretprobe.multi"
    );
    Ok(match word {
        "ksyscall" | "kretsyscall" => At::Event(Event::Kernel {
            function: format!("{SYSCALL}{target}"),
            offset: 0,
            returns,
        }),
        "kprobe.multi" | "kretprobe.multi" => At::Functions {
            names: functions(program, target)?,
            returns,
        },
        "uprobe" | "uretprobe" => {
            let (file, place) = target.rsplit_once(':').ok_or_else(|| {
                let help = "`uprobe/FILE:FUNCTION` is how such sections are called";
                unclear(program, "its section names no function of a file", help)
            })?;
            let path = binary::find(file)?;
            let (function, beyond) = offset(place);
            let start = match number(function) {
                Some(start) => start,
                None => binary::offset_of(&path, function)?,
            };
            At::Event(Event::File {
                path,
                offset: start + beyond,
                returns,
                process: ground.process,
            })
        }
        "kprobe" | "kretprobe" => {
            let (function, offset) = offset(target);
            At::Event(Event::Kernel {
                function: function.to_owned(),
                offset,
                returns,
            })
        }
        other => {
            let message = format!(
                "`{}` ({section}) cannot be attached by osmia: there is no way yet for `{other}`",
                program.name
            );
            let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message);
            return Err(Error::new(Fault::Unsupported, diagnostic));
        }
    })
}

/// `name+0x10`: a function, and bytes from its beginning.
fn offset(place: &str) -> (&str, u64) {
    let parts = place.rsplit_once('+');
    let parts = parts.and_then(|(name, beyond)| Some((name, number(beyond)?)));
    parts.unwrap_or((place, 0))
}

fn number(digits: &str) -> Option<u64> {
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// The kernel's functions that are like this pattern; it checks which of them can be followed.
fn functions(program: &Program, pattern: &str) -> Result<Vec<String>, Error> {
    if !pattern.contains(['*', '?']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let known = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
        .iter()
        .find_map(|root| {
            std::fs::read_to_string(format!("{root}/available_filter_functions")).ok()
        });
    let Some(known) = known else {
        let help =
            "mount tracefs (`mount -t tracefs tracefs /sys/kernel/tracing`), or name one function";
        return Err(unclear(
            program,
            "the kernel's functions are not listed here",
            help,
        ));
    };
    // A module's name follows in brackets.
    let names = known
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<String> = names
        .filter(|name| crate::glob::matches(pattern, name))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    match names.is_empty() {
        true => Err(unclear(
            program,
            "no function of the kernel is like its pattern",
            "",
        )),
        false => Ok(names),
    }
}

fn interface(program: &Program, ground: &Ground, attach: A, flags: u32) -> Result<At, Error> {
    let Some(name) = &ground.interface else {
        let help = "`--interface NAME` says which";
        return Err(unclear(program, "it is for a network interface", help));
    };
    let index = osmia_linux::interface(name).ok_or_else(|| {
        let known = osmia_linux::interfaces();
        let message = format!("there is no network interface `{name}`");
        let diagnostic = Diagnostic::error(codes::ATTACH_PLACE, message)
            .note(format!("there are: {}", known.join(", ")));
        Error::new(Fault::Usage, diagnostic)
    })?;
    Ok(At::Interface {
        index,
        attach,
        flags,
    })
}

fn object(path: &Path, attach: A) -> Result<At, Error> {
    let opened = std::fs::File::open(path).map_err(|error| Error::io(path, &error))?;
    Ok(At::Object {
        fd: opened.into(),
        attach,
    })
}

/// The one map of sockets a program uses.
fn socket_map(program: &Program, loaded: &Loaded<'_, Place>) -> Result<OwnedFd, Error> {
    let maps = loaded.maps().filter_map(|(index, map)| match map {
        PlacedMap::Linux(map) if program.maps.contains(&index) && map.holds_sockets() => Some(map),
        _ => None,
    });
    let maps: Vec<_> = maps.collect();
    let [map] = maps.as_slice() else {
        let why = match maps.len() {
            0 => "it is for the sockets of a map, and uses none",
            _ => "it uses several maps of sockets",
        };
        return Err(unclear(
            program,
            why,
            "a program of this type uses one sockmap or sockhash",
        ));
    };
    let fd = map.descriptor();
    fd.map_err(|error| Error::io(Path::new("bpf-map"), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_may_lie_behind_a_function() {
        assert_eq!(offset("do_unlinkat+0x10"), ("do_unlinkat", 16));
        assert_eq!(offset("operator+"), ("operator+", 0));
        assert_eq!(offset("main"), ("main", 0));
    }
}
