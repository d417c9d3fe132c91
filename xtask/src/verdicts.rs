//! What the running kernel's verifier says about tiny programs, through `drivers/verdicts.c`.
//!
//! Programs are loaded and dropped at once; nothing is run or attached.

use std::io::Write;
use std::process::{Command, Stdio};

use osmia_btf::{Btf, Kind};
use osmia_isa::{Endian, NoNames, assemble, write_slots};
use osmia_program::{AttachKind, Errno, Hook, ProgramFlags, ProgramKind};

use crate::libbpf_driver;
use crate::place::Error;

/// A role the kernel can be asked about.
pub(crate) struct Place {
    /// For people: `cgroup_sock_addr cgroup_inet4_bind`.
    pub(crate) name: String,
    pub(crate) hook: Hook,
    flags: u32,
    /// Type that the program is attached to, for those that are attached to one.
    btf_id: u32,
}

/// A tiny program.
pub(crate) struct Question<'p> {
    pub(crate) place: &'p Place,
    pub(crate) license: &'static str,
    pub(crate) text: String,
}

/// What the verifier said.
pub(crate) struct Answer {
    pub(crate) errno: i32,
    pub(crate) log: String,
}

impl Answer {
    pub(crate) fn accepted(&self) -> bool {
        self.errno == 0
    }
}

/// Asks everything in one go.
pub(crate) fn ask(questions: &[Question<'_>]) -> Result<Vec<Answer>, Error> {
    let lines: Result<String, Error> = questions.iter().map(line).collect();
    let answers = ask_lines(lines?)?;
    if answers.len() != questions.len() {
        return Err(format!("{} answers to {} questions", answers.len(), questions.len()).into());
    }
    Ok(answers)
}

/// A question as the driver reads it.
pub(crate) fn line(question: &Question<'_>) -> Result<String, Error> {
    let assembly = assemble(&question.text, &NoNames)
        .map_err(|errors| format!("{}: {errors:?}", question.text))?;
    let bytes = write_slots(&assembly.slots, Endian::NATIVE);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = question.place;
    let attach = place.hook.attach.map_or(0, AttachKind::number);
    Ok(format!(
        "{} {attach} {} {} {} {digits}\n",
        place.hook.kind.number(),
        place.flags,
        place.btf_id,
        question.license,
    ))
}

/// Asks the running kernel what stands on the lines.
pub(crate) fn ask_lines(input: String) -> Result<Vec<Answer>, Error> {
    let driver = libbpf_driver::build("verdicts")?;
    let mut child = Command::new(driver)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the writer failed")??;
    Ok(answers(&String::from_utf8_lossy(&output.stdout)))
}

/// What the driver printed.
pub(crate) fn answers(text: &str) -> Vec<Answer> {
    text.lines().filter_map(answer).collect()
}

fn answer(line: &str) -> Option<Answer> {
    let (errno, log) = line.split_once(' ')?;
    Some(Answer {
        errno: errno.parse().ok()?,
        log: log.replace("\\n", "\n"),
    })
}

/// Types whose expected attach type the kernel looks at, with those it knows; the others have none.
const ATTACHED: &[(ProgramKind, &[AttachKind])] = {
    use AttachKind::*;
    &[
        (ProgramKind::Xdp, &[Xdp, XdpDevmap, XdpCpumap]),
        (ProgramKind::Kprobe, &[TraceKprobeMulti, TraceKprobeSession]),
        (
            ProgramKind::CgroupSkb,
            &[CgroupInetIngress, CgroupInetEgress],
        ),
        (
            ProgramKind::CgroupSock,
            &[
                CgroupInetSockCreate,
                CgroupInetSockRelease,
                CgroupInet4PostBind,
                CgroupInet6PostBind,
            ],
        ),
        (
            ProgramKind::CgroupSockAddr,
            &[
                CgroupInet4Bind,
                CgroupInet6Bind,
                CgroupInet4Connect,
                CgroupInet6Connect,
                CgroupUdp4Sendmsg,
                CgroupUdp6Sendmsg,
                CgroupUdp4Recvmsg,
                CgroupUdp6Recvmsg,
                CgroupInet4Getpeername,
                CgroupInet6Getpeername,
                CgroupInet4Getsockname,
                CgroupInet6Getsockname,
                CgroupUnixConnect,
                CgroupUnixSendmsg,
                CgroupUnixRecvmsg,
                CgroupUnixGetpeername,
                CgroupUnixGetsockname,
            ],
        ),
        (ProgramKind::SockOps, &[CgroupSockOps]),
        (ProgramKind::CgroupDevice, &[CgroupDevice]),
        (ProgramKind::CgroupSysctl, &[CgroupSysctl]),
        (
            ProgramKind::SkSkb,
            &[SkSkbStreamParser, SkSkbStreamVerdict, SkSkbVerdict],
        ),
        (
            ProgramKind::SkReuseport,
            &[SkReuseportSelect, SkReuseportSelectOrMigrate],
        ),
        (
            ProgramKind::CgroupSockopt,
            &[CgroupGetsockopt, CgroupSetsockopt],
        ),
        (ProgramKind::SkLookup, &[SkLookup]),
        (ProgramKind::Netfilter, &[Netfilter]),
        (ProgramKind::LircMode2, &[LircMode2]),
        (ProgramKind::Lsm, &[LsmMac, LsmCgroup]),
    ]
};

/// Programs with typed arguments: attach type, what they are attached to, and its type's kind.
const TYPED: &[(ProgramKind, AttachKind, &str, &str, Kind)] = &[
    (
        ProgramKind::Tracing,
        AttachKind::TraceRawTp,
        "sched_switch",
        "btf_trace_sched_switch",
        Kind::Typedef,
    ),
    (
        ProgramKind::Tracing,
        AttachKind::TraceIter,
        "task",
        "bpf_iter_task",
        Kind::Func,
    ),
    (
        ProgramKind::Tracing,
        AttachKind::TraceIter,
        "tcp",
        "bpf_iter_tcp",
        Kind::Func,
    ),
    (
        ProgramKind::Tracing,
        AttachKind::TraceFentry,
        "bpf_fentry_test1",
        "bpf_fentry_test1",
        Kind::Func,
    ),
    (
        ProgramKind::Tracing,
        AttachKind::TraceFexit,
        "bpf_fentry_test1",
        "bpf_fentry_test1",
        Kind::Func,
    ),
    (
        ProgramKind::Tracing,
        AttachKind::ModifyReturn,
        "bpf_modify_return_test",
        "bpf_modify_return_test",
        Kind::Func,
    ),
    // The attach type is the member's position: `ssthresh`, which is the first.
    (
        ProgramKind::StructOps,
        AttachKind::CgroupInetIngress,
        "tcp_congestion_ops",
        "tcp_congestion_ops",
        Kind::Struct,
    ),
];

/// Every role with a context, helpers or outcomes of its own.
pub(crate) fn places() -> Result<Vec<Place>, Error> {
    let btf = std::fs::read("/sys/kernel/btf/vmlinux")?;
    let btf = Btf::parse(btf, None).map_err(|error| error.to_string())?;
    Ok(places_in(&btf))
}

/// The roles of a kernel with this BTF.
pub(crate) fn places_in(btf: &Btf) -> Vec<Place> {
    let mut places = Vec::new();
    for &kind in ProgramKind::ALL {
        let typed = matches!(kind, ProgramKind::Tracing | ProgramKind::StructOps);
        if typed || matches!(kind, ProgramKind::Unspec | ProgramKind::Ext) {
            continue;
        }
        let known = ATTACHED.iter().find(|(attached, _)| *attached == kind);
        match known {
            Some((_, attaches)) => {
                places.extend(
                    attaches
                        .iter()
                        .map(|attach| place(kind, Some(*attach), None, 0)),
                );
            }
            None => places.push(place(kind, None, None, 0)),
        }
    }
    for (kind, attach, target, name, of) in TYPED {
        let id = btf.find(name, *of).map_or(0, |id| id.0);
        places.push(place(*kind, Some(*attach), Some(target), id));
    }
    places
}

fn place(
    kind: ProgramKind,
    attach: Option<AttachKind>,
    target: Option<&str>,
    btf_id: u32,
) -> Place {
    let mut name = kind.to_string();
    // A member's position is no attach type.
    let shown = attach.filter(|_| kind != ProgramKind::StructOps);
    for more in [shown.map(AttachKind::name), target].into_iter().flatten() {
        name.push(' ');
        name.push_str(more);
    }
    Place {
        name,
        hook: Hook {
            kind,
            attach,
            target: target.map(str::to_owned),
        },
        flags: match kind {
            ProgramKind::Syscall => ProgramFlags::SLEEPABLE,
            _ => 0,
        },
        btf_id,
    }
}

/// Where the kernel says nothing, and why, in words.
pub(crate) fn split<'p>(places: &'p [Place]) -> Result<(Vec<&'p Place>, Vec<String>), Error> {
    let trial = |place: &'p Place| Question {
        place,
        license: "GPL",
        text: format!("r0 = {}\nexit", place.accepted_value()),
    };
    let answers = ask(&places.iter().map(trial).collect::<Vec<_>>())?;
    let (mut open, mut shut) = (Vec::new(), Vec::new());
    for (place, answer) in places.iter().zip(answers) {
        if answer.accepted() {
            open.push(place);
        } else {
            let errno = Errno(answer.errno);
            shut.push(format!(
                "{}: the kernel refuses every such program here: {errno}",
                place.name
            ));
        }
    }
    Ok((open, shut))
}

impl Place {
    /// Programs for what a type of the kernel stands for, loaded with these flags.
    pub(crate) fn attached(
        kind: ProgramKind,
        attach: AttachKind,
        target: &str,
        btf_id: u32,
        flags: u32,
    ) -> Place {
        let mut place = place(kind, Some(attach), Some(target), btf_id);
        place.flags |= flags;
        if ProgramFlags(flags).has(ProgramFlags::SLEEPABLE) {
            place.name += " sleepable";
        }
        place
    }

    /// The flags it is loaded with.
    pub(crate) fn flags(&self) -> u32 {
        self.flags
    }

    /// A value that programs of this role may return.
    pub(crate) fn accepted_value(&self) -> i32 {
        let outcomes = osmia_program::outcome::outcomes(&self.hook);
        outcomes.allowed.map_or(0, |(least, _)| least)
    }
}
