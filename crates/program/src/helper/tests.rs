use super::{ALL, Arg, Callers, HelperDenial, by_id, by_name, is_gpl_compatible};
use crate::{AttachKind, Hook, ProgramKind};

fn hook(kind: ProgramKind, attach: Option<AttachKind>) -> Hook {
    Hook {
        kind,
        attach,
        target: None,
    }
}

#[test]
fn the_position_is_the_number() {
    for (position, helper) in ALL.iter().enumerate() {
        assert_eq!(helper.id as usize, position);
        assert!(helper.name.starts_with("bpf_"));
    }
}

#[test]
fn a_size_follows_every_buffer() {
    for helper in ALL {
        for prototype in helper
            .variants
            .iter()
            .map(|(_, prototype)| prototype)
            .chain([&helper.prototype])
        {
            for (position, arg) in prototype.args.iter().enumerate() {
                let sized = matches!(
                    arg,
                    Arg::Read | Arg::ReadOrNull | Arg::Write | Arg::WriteOrNull | Arg::ReadWrite
                );
                let size = prototype.args.get(position + 1);
                let follows = matches!(size, Some(Arg::Size | Arg::SizeOrZero));
                assert!(!sized || follows, "{}", helper.name);
            }
        }
    }
}

#[test]
fn who_moves_the_packet_is_told_by_the_context() {
    for helper in ALL.iter().filter(|helper| helper.moves_packet) {
        assert_eq!(helper.prototype.args[0], Arg::Context, "{}", helper.name);
    }
}

#[test]
fn names_and_numbers_agree() {
    assert_eq!(by_name("bpf_map_lookup_elem").unwrap().id, 1);
    assert_eq!(by_name("ringbuf_reserve").unwrap().id, 131);
    assert_eq!(by_id(211).unwrap().name, "bpf_cgrp_storage_delete");
    assert!(by_id(212).is_none());
    assert!(by_name("bpf_no_such_thing").is_none());
}

#[test]
fn callers_depend_on_the_attach_type() {
    let bind = by_name("bpf_bind").unwrap();
    let addr = |attach| hook(ProgramKind::CgroupSockAddr, attach);
    let permits = |attach| bind.permits(&addr(attach), "", false);
    assert_eq!(permits(Some(AttachKind::CgroupInet4Connect)), Ok(()));
    assert_eq!(permits(None), Ok(()));
    assert_eq!(
        permits(Some(AttachKind::CgroupUdp6Recvmsg)),
        Err(HelperDenial::Callers)
    );
}

#[test]
fn licences_and_sleep_matter() {
    let print = by_name("bpf_trace_printk").unwrap();
    let xdp = hook(ProgramKind::Xdp, None);
    assert_eq!(print.permits(&xdp, "Dual BSD/GPL", false), Ok(()));
    assert_eq!(
        print.permits(&xdp, "BSD", false),
        Err(HelperDenial::License)
    );
    assert!(!is_gpl_compatible("gpl"));
    let copy = by_name("bpf_copy_from_user").unwrap();
    assert_eq!(copy.permits(&xdp, "GPL", false), Err(HelperDenial::Sleeps));
}

#[test]
fn the_same_helper_is_called_in_two_ways() {
    let cookie = by_name("bpf_get_socket_cookie").unwrap();
    let args = |kind| cookie.prototype_for(&hook(kind, None)).args;
    assert_eq!(args(ProgramKind::SchedCls), [Arg::Context]);
    assert_eq!(args(ProgramKind::SkReuseport), [Arg::SocketOrNull]);
}

#[test]
fn sets_are_told_in_the_fewest_words() {
    let said = |name: &str| by_name(name).unwrap().callers.to_string();
    assert_eq!(said("map_lookup_elem"), "every type of program");
    assert_eq!(said("spin_lock"), "every type but lirc_mode2");
    assert_eq!(said("fib_lookup"), "sched_cls, sched_act, xdp");
    assert_eq!(Callers::NONE.to_string(), "no type of program");
}
