//! Programs at the ends of a netkit pair. The answers are those that `drivers/net/netkit.c` and
//! `kernel/bpf/mprog.c` of Linux 6.18 document: they cannot be asked of a kernel that was built without
//! netkit, so `tests/both` has only tcx, whose order the same rules give.

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_user::bpf::{
    Fd, LinkCreate, LinkDetach, LinkDetail, LinkInfoDetail, LinkUpdate, ObjInfo, ProgAttach,
    ProgDetach, ProgQuery, Relative,
};
use osmia_user::{Credentials, Kernel, Process, UserOptions};
use osmia_vm::net::{Link, NetkitEnd, Network};

mod support;
use support::{insns, load};

/// `BPF_F_REPLACE`, `BPF_F_BEFORE`, `BPF_F_AFTER`, `BPF_F_LINK`
const REPLACE: u32 = 1 << 2;
const BEFORE: u32 = 1 << 3;
const AFTER: u32 = 1 << 4;
const LINK: u32 = 1 << 13;

const PRIMARY: u32 = 5;
const PEER: u32 = 6;
const AT_PRIMARY: AttachKind = AttachKind::NetkitPrimary;
const AT_PEER: AttachKind = AttachKind::NetkitPeer;

/// A machine with a pair.
fn process() -> Process {
    let mut network = Network::loopback();
    for (index, peer, end) in [
        (PRIMARY, PEER, NetkitEnd::Primary),
        (PEER, PRIMARY, NetkitEnd::Peer),
    ] {
        network.add_link(Link {
            peer: Some(peer),
            netkit: Some(end),
            ..Link::ethernet(index, &format!("nk{index}"), [0; 6])
        });
    }
    on(network)
}

fn on(network: Network) -> Process {
    let options = UserOptions {
        network: Arc::new(network),
        ..UserOptions::default()
    };
    let kernel = Kernel::new(options).expect("there is memory");
    Process::new(&kernel, Credentials::ROOT)
}

fn program(process: &Process) -> Fd {
    load(process, ProgramKind::SchedCls, &insns("r0 = 0\nexit")).expect("a right program")
}

fn linking(prog_fd: Fd, target: u32, attach: AttachKind) -> LinkCreate<'static> {
    LinkCreate {
        prog_fd,
        target,
        attach_type: attach.number(),
        ..LinkCreate::default()
    }
}

/// Ids of what is attached, and the revision.
fn attached(process: &Process, attach: AttachKind) -> (Vec<u32>, Option<u64>) {
    let answer = process.prog_query(&ProgQuery {
        target: PRIMARY,
        attach_type: attach.number(),
        count: 8,
        has_prog_ids: true,
        ..ProgQuery::default()
    });
    let answer = answer.expect("there is such a place");
    let ids = answer.programs.iter().map(|one| one.prog_id).collect();
    (ids, answer.revision)
}

fn id(process: &Process, fd: Fd) -> u32 {
    match process.obj_info(fd) {
        Ok(ObjInfo::Program(info)) => info.id,
        other => panic!("{other:?}"),
    }
}

fn told(process: &Process, link: Fd) -> (u32, LinkInfoDetail) {
    match process.obj_info(link) {
        Ok(ObjInfo::Link(info)) => (info.kind, info.detail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ends_are_named_by_the_primary_one() {
    let process = process();
    let program = program(&process);
    for (attach, ifindex) in [(AT_PRIMARY, PRIMARY), (AT_PEER, PEER)] {
        let link = process.link_create(&linking(program, PRIMARY, attach));
        let link = link.expect("a right link");
        let detail = LinkInfoDetail::Netkit {
            ifindex,
            attach_type: attach.number(),
        };
        assert_eq!(told(&process, link), (13, detail));
    }
}

#[test]
fn other_interfaces_are_told_apart() {
    let process = process();
    let program = program(&process);
    let refused = |target| process.link_create(&linking(program, target, AT_PRIMARY));
    assert_eq!(refused(1), Err(Errno::ENXIO));
    assert_eq!(refused(PEER), Err(Errno::EACCES));
    assert_eq!(refused(9), Err(Errno::ENODEV));
    let without = on(Network::loopback());
    let alone = self::program(&without);
    let refused = without.link_create(&linking(alone, 1, AT_PRIMARY));
    assert_eq!(refused, Err(Errno::EINVAL));
}

#[test]
fn they_stand_in_the_order_that_was_asked_for() {
    let process = process();
    let [first, second, third] = [(); 3].map(|()| program(&process));
    let [a, b, c] = [first, second, third].map(|fd| id(&process, fd));
    let beside = process.link_create(&linking(first, PRIMARY, AT_PRIMARY));
    let beside = beside.expect("a right link");
    let before = LinkCreate {
        flags: BEFORE,
        ..linking(second, PRIMARY, AT_PRIMARY)
    };
    let _before = process.link_create(&before).expect("a right link");
    assert_eq!(attached(&process, AT_PRIMARY), (vec![b, a], Some(3)));
    let after = LinkCreate {
        flags: BEFORE | LINK,
        detail: LinkDetail::Ordered(Relative {
            relative: beside.0 as u32,
            expected_revision: 3,
        }),
        ..linking(third, PRIMARY, AT_PRIMARY)
    };
    let after = process.link_create(&after).expect("a right link");
    assert_eq!(attached(&process, AT_PRIMARY), (vec![b, c, a], Some(4)));
    let again = process.link_create(&linking(third, PRIMARY, AT_PRIMARY));
    assert_eq!(again, Err(Errno::EEXIST));
    let late = LinkCreate {
        flags: AFTER,
        detail: LinkDetail::Ordered(Relative {
            relative: 0,
            expected_revision: 3,
        }),
        ..linking(program(&process), PRIMARY, AT_PRIMARY)
    };
    assert_eq!(process.link_create(&late), Err(Errno::ESTALE));
    process.close(after).expect("it is open");
    assert_eq!(attached(&process, AT_PRIMARY), (vec![b, a], Some(5)));
}

#[test]
fn a_link_gets_another_program_or_none() {
    let process = process();
    let [first, second] = [(); 2].map(|()| program(&process));
    let link = process.link_create(&linking(first, PRIMARY, AT_PEER));
    let link_fd = link.expect("a right link");
    let updated = |old_fd, new_fd, flags| {
        process.link_update(&LinkUpdate {
            link_fd,
            new_fd,
            old_fd,
            flags,
        })
    };
    assert_eq!(updated(second, second, REPLACE), Err(Errno::EPERM));
    assert_eq!(updated(first, second, REPLACE), Ok(()));
    let ids = vec![id(&process, second)];
    assert_eq!(attached(&process, AT_PEER), (ids, Some(3)));
    let detached = process.link_detach(&LinkDetach { link_fd });
    assert_eq!(detached, Ok(()));
    // What was counted comes back with the next one.
    assert_eq!(attached(&process, AT_PEER), (vec![], Some(1)));
    assert_eq!(updated(Fd(0), first, 0), Err(Errno::ENOLINK));
    let detail = LinkInfoDetail::Netkit {
        ifindex: 0,
        attach_type: AT_PEER.number(),
    };
    assert_eq!(told(&process, link_fd).1, detail);
}

#[test]
fn programs_are_attached_without_links_too() {
    let process = process();
    let program = program(&process);
    let asked = ProgAttach {
        target: PRIMARY,
        attach_bpf_fd: program,
        attach_type: AT_PRIMARY.number(),
        ..ProgAttach::default()
    };
    assert_eq!(process.prog_attach(&asked), Ok(()));
    assert_eq!(process.prog_attach(&asked), Err(Errno::EEXIST));
    let gone = ProgDetach {
        target: PRIMARY,
        attach_bpf_fd: program,
        attach_type: AT_PRIMARY.number(),
        ..ProgDetach::default()
    };
    assert_eq!(process.prog_detach(&gone), Ok(()));
    assert_eq!(process.prog_detach(&gone), Err(Errno::ENOENT));
}
