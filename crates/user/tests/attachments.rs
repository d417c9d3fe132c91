//! What is attached where. Every errno, count and revision is what Linux 6.18 gave for the same calls
//! on a control group, an interface and a network namespace made for that.

mod support;

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_user::Process;
use osmia_user::bpf::{
    Fd, LinkCreate, LinkDetach, LinkDetail, LinkInfo, LinkInfoDetail, LinkUpdate, NetfilterHook,
    ObjGet, ObjInfo, ObjPin, ProgAttach, ProgDetach, ProgLoad, ProgQuery, ProgQueryAnswer,
    Relative,
};
use support::*;

const INGRESS: AttachKind = AttachKind::CgroupInetIngress;
const TCX: AttachKind = AttachKind::TcxIngress;
const FLOW: AttachKind = AttachKind::FlowDissector;

const OVERRIDE: u32 = 1;
const MULTI: u32 = 2;
const REPLACE: u32 = 4;
const BEFORE: u32 = 8;
const AFTER: u32 = 16;

const LOOPBACK: u32 = 1;

fn program(process: &Process, kind: ProgramKind, attach: u32) -> Fd {
    let insns = insns("r0 = 1\nexit");
    let asked = ProgLoad {
        expected_attach_type: attach,
        ..loading(kind, &insns)
    };
    process.prog_load(&asked).result.expect("a right program")
}

fn skb(process: &Process) -> Fd {
    program(process, ProgramKind::CgroupSkb, 0)
}

fn attach(
    process: &Process,
    target: Fd,
    program: Fd,
    kind: AttachKind,
    flags: u32,
) -> Result<(), Errno> {
    process.prog_attach(&ProgAttach {
        target: target.0 as u32,
        attach_bpf_fd: program,
        attach_type: kind.number(),
        attach_flags: flags,
        ..ProgAttach::default()
    })
}

fn replace(process: &Process, target: Fd, program: Fd, old: Fd) -> Result<(), Errno> {
    process.prog_attach(&ProgAttach {
        target: target.0 as u32,
        attach_bpf_fd: program,
        attach_flags: MULTI | REPLACE,
        replace_bpf_fd: old,
        ..ProgAttach::default()
    })
}

fn beside(
    process: &Process,
    target: Fd,
    program: Fd,
    flags: u32,
    relative: Fd,
) -> Result<(), Errno> {
    process.prog_attach(&ProgAttach {
        target: target.0 as u32,
        attach_bpf_fd: program,
        attach_flags: MULTI | flags,
        relative: relative.0 as u32,
        ..ProgAttach::default()
    })
}

fn detach(process: &Process, target: Fd, program: Fd, kind: AttachKind) -> Result<(), Errno> {
    process.prog_detach(&ProgDetach {
        target: target.0 as u32,
        attach_bpf_fd: program,
        attach_type: kind.number(),
        ..ProgDetach::default()
    })
}

fn query_with(
    process: &Process,
    target: Fd,
    kind: AttachKind,
    flags: u32,
    count: u32,
) -> Result<ProgQueryAnswer, Errno> {
    process.prog_query(&ProgQuery {
        target: target.0 as u32,
        attach_type: kind.number(),
        query_flags: flags,
        count,
        has_prog_ids: true,
        ..ProgQuery::default()
    })
}

fn query(process: &Process, target: Fd, kind: AttachKind) -> ProgQueryAnswer {
    query_with(process, target, kind, 0, 8).expect("a right query")
}

fn link(process: &Process, program: Fd, target: Fd, kind: AttachKind) -> Result<Fd, Errno> {
    process.link_create(&LinkCreate {
        prog_fd: program,
        target: target.0 as u32,
        attach_type: kind.number(),
        ..LinkCreate::default()
    })
}

fn update(process: &Process, link_fd: Fd, new_fd: Fd) -> Result<(), Errno> {
    process.link_update(&LinkUpdate {
        link_fd,
        new_fd,
        ..LinkUpdate::default()
    })
}

fn info(process: &Process, link: Fd) -> LinkInfo {
    match process.obj_info(link) {
        Ok(ObjInfo::Link(info)) => info,
        other => panic!("not a link: {other:?}"),
    }
}

/// A process with the control groups `/a` and `/a/b` open.
fn groups() -> (Process, Fd, Fd) {
    let process = process();
    process.cgroup_mkdir("/a").unwrap();
    process.cgroup_mkdir("/a/b").unwrap();
    let (parent, child) = (process.open_cgroup("/a"), process.open_cgroup("/a/b"));
    let (parent, child) = (parent.unwrap(), child.unwrap());
    (process, parent, child)
}

#[test]
fn wrong_arguments_of_attach() {
    let (process, group, _) = groups();
    let (p, map) = (skb(&process), array(&process));
    let xdp = program(&process, ProgramKind::Xdp, 0);
    let unknown = ProgAttach {
        attach_type: 999,
        ..ProgAttach::default()
    };
    assert_eq!(process.prog_attach(&unknown), Err(Errno::EINVAL));
    for (target, prog, kind, flags, errno) in [
        (group, p, AttachKind::PerfEvent, 0, Errno::EINVAL),
        (group, xdp, INGRESS, 0, Errno::EINVAL),
        (group, xdp, AttachKind::Xdp, 0, Errno::EINVAL),
        (group, Fd(99), INGRESS, 0, Errno::EBADF),
        (group, map, INGRESS, 0, Errno::EINVAL),
        (Fd(99), p, INGRESS, 0, Errno::EBADF),
        (map, p, INGRESS, 0, Errno::EBADF),
        (group, p, INGRESS, OVERRIDE | MULTI, Errno::EINVAL),
        (group, p, INGRESS, REPLACE, Errno::EINVAL),
        (group, p, INGRESS, 1 << 10, Errno::EINVAL),
    ] {
        assert_eq!(attach(&process, target, prog, kind, flags), Err(errno));
    }
    assert_eq!(
        query_with(&process, group, INGRESS, 2, 8),
        Err(Errno::EINVAL)
    );
    assert_eq!(query_with(&process, map, INGRESS, 0, 8), Err(Errno::EBADF));
}

#[test]
fn a_place_nobody_shares() {
    let (process, group, child) = groups();
    let (p, q) = (skb(&process), skb(&process));
    assert_eq!(detach(&process, group, p, INGRESS), Err(Errno::ENOENT));
    assert_eq!(attach(&process, group, p, INGRESS, 0), Ok(()));
    assert_eq!(attach(&process, group, p, INGRESS, 0), Ok(()));
    assert_eq!(attach(&process, group, q, INGRESS, 0), Ok(()));
    assert_eq!(query(&process, group, INGRESS).count, 1);
    for flags in [0, OVERRIDE, MULTI] {
        assert_eq!(
            attach(&process, child, p, INGRESS, flags),
            Err(Errno::EPERM)
        );
    }
    assert_eq!(
        attach(&process, group, p, INGRESS, OVERRIDE),
        Err(Errno::EPERM)
    );
    assert_eq!(
        attach(&process, group, p, INGRESS, MULTI),
        Err(Errno::EPERM)
    );
    // Which one need not be said where there is only one.
    assert_eq!(detach(&process, group, Fd(0), INGRESS), Ok(()));
    assert_eq!(query(&process, group, INGRESS).count, 0);
}

#[test]
fn a_place_children_may_override() {
    let (process, group, child) = groups();
    let (p, q) = (skb(&process), skb(&process));
    assert_eq!(attach(&process, group, p, INGRESS, OVERRIDE), Ok(()));
    assert_eq!(attach(&process, group, q, INGRESS, 0), Err(Errno::EPERM));
    assert_eq!(attach(&process, child, q, INGRESS, 0), Ok(()));
    let effective = query_with(&process, child, INGRESS, 1, 8).unwrap();
    assert_eq!((effective.count, effective.revision), (1, None));
    assert_eq!(effective.programs[0].prog_id, prog_info(&process, q).id);
}

#[test]
fn a_place_many_share() {
    let (process, group, child) = groups();
    let [p, q, r] = [(); 3].map(|()| skb(&process));
    assert_eq!(attach(&process, group, p, INGRESS, MULTI), Ok(()));
    assert_eq!(
        attach(&process, group, p, INGRESS, MULTI),
        Err(Errno::EINVAL)
    );
    assert_eq!(attach(&process, group, q, INGRESS, MULTI), Ok(()));
    let all = query(&process, group, INGRESS);
    assert_eq!(
        (all.attach_flags, all.count, all.revision),
        (MULTI, 2, Some(3))
    );
    let cut = query_with(&process, group, INGRESS, 0, 1).unwrap();
    assert_eq!(
        (cut.count, cut.programs.len(), cut.error),
        (2, 1, Some(Errno::ENOSPC))
    );
    assert_eq!(attach(&process, child, r, INGRESS, 0), Ok(()));
    assert_eq!(query_with(&process, child, INGRESS, 1, 8).unwrap().count, 3);
    assert_eq!(detach(&process, group, Fd(0), INGRESS), Err(Errno::EINVAL));
    assert_eq!(detach(&process, group, r, INGRESS), Err(Errno::ENOENT));
    assert_eq!(replace(&process, group, r, p), Ok(()));
    assert_eq!(replace(&process, group, p, p), Err(Errno::ENOENT));
    assert_eq!(replace(&process, group, q, r), Err(Errno::EINVAL));
    assert_eq!(replace(&process, group, p, Fd(99)), Err(Errno::EBADF));
}

#[test]
fn an_order_among_many() {
    let (process, group, _) = groups();
    let [p, q, r, s] = [(); 4].map(|()| skb(&process));
    let id = |fd| prog_info(&process, fd).id;
    beside(&process, group, q, 0, Fd(0)).unwrap();
    beside(&process, group, p, BEFORE, q).unwrap();
    beside(&process, group, r, AFTER, p).unwrap();
    beside(&process, group, s, BEFORE, Fd(0)).unwrap();
    let ids: Vec<_> = query(&process, group, INGRESS)
        .programs
        .iter()
        .map(|p| p.prog_id)
        .collect();
    assert_eq!(ids, [id(s), id(p), id(r), id(q)]);
    let new = skb(&process);
    assert_eq!(
        beside(&process, group, new, BEFORE | AFTER, p),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        beside(&process, group, new, BEFORE, skb(&process)),
        Err(Errno::ENOENT)
    );
    let late = ProgAttach {
        target: group.0 as u32,
        attach_bpf_fd: new,
        attach_flags: MULTI,
        expected_revision: 1,
        ..ProgAttach::default()
    };
    assert_eq!(process.prog_attach(&late), Err(Errno::ESTALE));
}

#[test]
fn a_link_keeps_its_program_and_a_pin_the_link() {
    let (process, group, _) = groups();
    let p = skb(&process);
    let l = link(&process, p, group, INGRESS).unwrap();
    process.close(p).unwrap();
    assert_eq!(
        (
            query(&process, group, INGRESS).count,
            prog_ids(&process).len()
        ),
        (1, 1)
    );
    let path: &[u8] = b"/sys/fs/bpf/l";
    let pin = ObjPin {
        path: Some(path),
        bpf_fd: l,
        ..ObjPin::default()
    };
    process.obj_pin(&pin).unwrap();
    process.close(l).unwrap();
    assert_eq!(query(&process, group, INGRESS).count, 1);
    let reading = ObjGet {
        path: Some(path),
        file_flags: 1 << 3,
        ..ObjGet::default()
    };
    assert_eq!(process.obj_get(&reading), Err(Errno::EINVAL));
    process.unlink("/sys/fs/bpf/l").unwrap();
    assert_eq!(query(&process, group, INGRESS).count, 0);
    assert_eq!(ids(|asked| process.link_next_id(asked)), NONE);
    assert_eq!(prog_ids(&process), NONE);
}

#[test]
fn an_attachment_keeps_its_program_while_the_group_is() {
    let (process, _, child) = groups();
    let p = skb(&process);
    attach(&process, child, p, INGRESS, 0).unwrap();
    process.close(p).unwrap();
    assert_eq!(prog_ids(&process).len(), 1);
    process.cgroup_rmdir("/a/b").unwrap();
    assert_eq!(prog_ids(&process), NONE);
}

#[test]
fn links_to_control_groups() {
    let (process, group, child) = groups();
    let [p, q] = [(); 2].map(|()| skb(&process));
    let xdp = program(&process, ProgramKind::Xdp, 0);
    let l = link(&process, p, child, INGRESS).unwrap();
    assert!(link(&process, p, child, INGRESS).is_ok(), "once a link");
    assert_eq!(attach(&process, child, q, INGRESS, 0), Err(Errno::EPERM));
    assert_eq!(link(&process, p, Fd(99), INGRESS), Err(Errno::EBADF));
    assert_eq!(link(&process, p, p, INGRESS), Err(Errno::EBADF));
    assert_eq!(link(&process, xdp, child, INGRESS), Err(Errno::EINVAL));
    assert_eq!(update(&process, l, q), Ok(()));
    assert_eq!(update(&process, l, xdp), Err(Errno::EINVAL));
    assert_eq!(update(&process, l, Fd(99)), Err(Errno::EBADF));
    assert_eq!(update(&process, q, q), Err(Errno::EINVAL));
    let from = |flags, old_fd| {
        process.link_update(&LinkUpdate {
            link_fd: l,
            new_fd: p,
            flags,
            old_fd,
        })
    };
    assert_eq!(from(0, q), Err(Errno::EINVAL));
    assert_eq!(from(REPLACE, p), Err(Errno::EPERM));
    assert_eq!(from(1, Fd(0)), Err(Errno::EINVAL));
    assert_eq!(from(REPLACE, q), Ok(()));
    // A link is detached as a link, not by its program.
    assert_eq!(detach(&process, child, p, INGRESS), Err(Errno::ENOENT));
    let asked = LinkDetach { link_fd: l };
    assert_eq!(
        (process.link_detach(&asked), process.link_detach(&asked)),
        (Ok(()), Ok(()))
    );
    assert_eq!(update(&process, l, q), Err(Errno::ENOLINK));
    let gone = LinkInfoDetail::Cgroup {
        cgroup_id: 0,
        attach_type: 0,
    };
    assert_eq!(info(&process, l).detail, gone);
    assert_eq!(query(&process, group, INGRESS).count, 0);
}

#[test]
fn the_link_of_a_removed_group() {
    let (process, _, child) = groups();
    let p = skb(&process);
    let l = link(&process, p, child, INGRESS).unwrap();
    process.cgroup_rmdir("/a/b").unwrap();
    let gone = LinkInfoDetail::Cgroup {
        cgroup_id: 0,
        attach_type: 0,
    };
    assert_eq!(
        (info(&process, l).kind, info(&process, l).detail),
        (3, gone)
    );
    assert_eq!(update(&process, l, p), Err(Errno::ENOLINK));
    assert_eq!(process.link_detach(&LinkDetach { link_fd: l }), Ok(()));
}

#[test]
fn one_xdp_program_an_interface() {
    let process = process();
    let [p, q] = [(); 2].map(|()| program(&process, ProgramKind::Xdp, 0));
    let devmap = program(&process, ProgramKind::Xdp, AttachKind::XdpDevmap.number());
    let xdp = |prog, ifindex, flags| {
        process.link_create(&LinkCreate {
            prog_fd: prog,
            target: ifindex,
            attach_type: AttachKind::Xdp.number(),
            flags,
            ..LinkCreate::default()
        })
    };
    assert_eq!(xdp(devmap, LOOPBACK, 2), Err(Errno::EINVAL));
    let l = xdp(p, LOOPBACK, 2).unwrap();
    assert_eq!(xdp(q, LOOPBACK, 2), Err(Errno::EBUSY));
    assert_eq!(xdp(q, LOOPBACK, 4), Err(Errno::EEXIST));
    assert_eq!(xdp(q, LOOPBACK, 8), Err(Errno::EOPNOTSUPP));
    for (ifindex, flags) in [
        (99, 0),
        (0, 0),
        (LOOPBACK, 6),
        (LOOPBACK, 1),
        (LOOPBACK, 1 << 10),
    ] {
        assert_eq!(xdp(q, ifindex, flags), Err(Errno::EINVAL));
    }
    assert_eq!(update(&process, l, q), Ok(()));
    assert_eq!(info(&process, l).detail, LinkInfoDetail::Xdp { ifindex: 1 });
    process.link_detach(&LinkDetach { link_fd: l }).unwrap();
    assert_eq!(info(&process, l).detail, LinkInfoDetail::Xdp { ifindex: 0 });
    assert_eq!(update(&process, l, q), Err(Errno::ENOLINK));
    assert!(xdp(q, LOOPBACK, 0).is_ok());
}

#[test]
fn many_programs_on_the_way_in() {
    let process = process();
    let [p, q, r] = [(); 3].map(|()| program(&process, ProgramKind::SchedCls, 0));
    let lo = Fd(1);
    let tcx = |prog: Fd, flags: u32, relative: Fd, expected_revision: u64| {
        process.link_create(&LinkCreate {
            prog_fd: prog,
            target: LOOPBACK,
            attach_type: TCX.number(),
            flags,
            detail: LinkDetail::Ordered(Relative {
                relative: relative.0 as u32,
                expected_revision,
            }),
        })
    };
    let l = tcx(p, 0, Fd(0), 0).unwrap();
    assert_eq!(tcx(p, 0, Fd(0), 0), Err(Errno::EEXIST));
    assert_eq!(link(&process, p, Fd(99), TCX), Err(Errno::ENODEV));
    assert_eq!(tcx(q, 0, Fd(0), 99), Err(Errno::ESTALE));
    assert_eq!(tcx(q, BEFORE, r, 0), Err(Errno::ENOENT));
    let second = tcx(q, BEFORE, p, 0).unwrap();
    let found = query(&process, lo, TCX);
    assert_eq!((found.count, found.revision), (2, Some(3)));
    assert_eq!(found.programs[0].link_id, info(&process, second).id);
    assert_eq!(attach(&process, lo, r, TCX, 0), Ok(()));
    assert_eq!(attach(&process, lo, r, TCX, 0), Err(Errno::EEXIST));
    assert_eq!(detach(&process, lo, p, TCX), Err(Errno::EBUSY));
    assert_eq!(detach(&process, lo, Fd(0), TCX), Ok(()));
    assert_eq!(update(&process, l, q), Err(Errno::EEXIST));
    assert_eq!(query_with(&process, Fd(99), TCX, 0, 8), Err(Errno::ENODEV));
    assert_eq!(query_with(&process, lo, TCX, 1, 8), Err(Errno::EINVAL));
}

#[test]
fn the_network_namespace() {
    let process = process();
    let [p, q] = [(); 2].map(|()| program(&process, ProgramKind::FlowDissector, 0));
    let ns = process.open_network_namespace().unwrap();
    let map = array(&process);
    let here = Fd(0);
    assert_eq!(attach(&process, here, p, FLOW, 0), Ok(()));
    assert_eq!(attach(&process, here, p, FLOW, 0), Err(Errno::EINVAL));
    assert_eq!(attach(&process, here, q, FLOW, 0), Ok(()));
    assert_eq!(attach(&process, here, p, FLOW, 1), Err(Errno::EINVAL));
    assert_eq!(attach(&process, Fd(5), p, FLOW, 0), Err(Errno::EINVAL));
    assert_eq!(query(&process, ns, FLOW).count, 1);
    assert_eq!(query_with(&process, map, FLOW, 0, 8), Err(Errno::EINVAL));
    assert_eq!(link(&process, q, ns, FLOW), Err(Errno::EEXIST));
    assert_eq!(detach(&process, here, p, FLOW), Err(Errno::ENOENT));
    assert_eq!(detach(&process, here, Fd(0), FLOW), Err(Errno::EINVAL));
    assert_eq!(detach(&process, here, q, FLOW), Ok(()));
    let l = link(&process, p, ns, FLOW).unwrap();
    assert_eq!(link(&process, q, ns, FLOW), Err(Errno::E2BIG));
    assert_eq!(attach(&process, here, q, FLOW, 0), Err(Errno::EEXIST));
    assert_eq!(detach(&process, here, p, FLOW), Err(Errno::EINVAL));
    assert_eq!(link(&process, q, map, FLOW), Err(Errno::EINVAL));
    assert_eq!(link(&process, q, Fd(99), FLOW), Err(Errno::EBADF));
    assert_eq!(update(&process, l, q), Ok(()));
    process.link_detach(&LinkDetach { link_fd: l }).unwrap();
    assert_eq!(update(&process, l, q), Err(Errno::ENOLINK));
}

#[test]
fn hooks_of_netfilter() {
    let process = process();
    let p = program(
        &process,
        ProgramKind::Netfilter,
        AttachKind::Netfilter.number(),
    );
    let hook = |pf, hooknum, priority, flags| {
        process.link_create(&LinkCreate {
            prog_fd: p,
            attach_type: AttachKind::Netfilter.number(),
            detail: LinkDetail::Netfilter(NetfilterHook {
                pf,
                hooknum,
                priority,
                flags,
            }),
            ..LinkCreate::default()
        })
    };
    assert!(hook(2, 0, -128, 0).is_ok());
    assert_eq!(hook(2, 0, -128, 0), Err(Errno::EBUSY));
    assert_eq!(hook(7, 0, -128, 0), Err(Errno::EAFNOSUPPORT));
    assert_eq!(hook(2, 5, -128, 0), Err(Errno::EPROTO));
    assert!(hook(2, 0, 0, 0).is_ok());
    assert_eq!(hook(2, 0, i32::MIN, 0), Err(Errno::ERANGE));
    assert_eq!(hook(2, 0, i32::MAX, 0), Err(Errno::ERANGE));
    assert_eq!(hook(2, 0, -127, 2), Err(Errno::EOPNOTSUPP));
    assert!(hook(2, 0, -127, 1).is_ok());
}
