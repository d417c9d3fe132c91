use super::*;
use crate::{helper, kfunc};

fn hook(kind: ProgramKind) -> Hook {
    Hook {
        kind,
        attach: None,
        target: None,
    }
}

#[test]
fn names_of_releases_are_read_back() {
    for release in Release::all() {
        assert_eq!(format!("linux-{release}").parse(), Ok(release));
        assert_eq!(Release::of(release.kernel()), release);
    }
    assert_eq!(Release::all().count(), 35);
    assert!("linux-5.3".parse::<Release>().is_err());
    assert!("linux-5.20".parse::<Release>().is_err());
    assert!("7.0".parse::<Release>().is_err());
}

#[test]
fn lengths_only_grow() {
    for pair in UAPI.windows(2) {
        let [earlier, later] = pair else { continue };
        assert!(earlier.release < later.release);
        let lengths = |row: &Uapi| {
            [
                row.helpers,
                row.programs,
                row.maps,
                row.attaches,
                row.commands,
                row.links,
            ]
        };
        let (before, after) = (lengths(earlier), lengths(later));
        assert!(
            before
                .iter()
                .zip(after)
                .all(|(before, after)| *before <= after)
        );
        assert_ne!(before, after, "{} adds nothing", later.release);
    }
}

#[test]
fn the_latest_release_has_everything_we_know() {
    let latest = Release::LATEST.uapi();
    assert_eq!(latest.helpers as usize, helper::ALL.len());
    assert_eq!(latest.programs as usize, ProgramKind::ALL.len());
    // Instruction arrays and sessions of functions came after it.
    assert_eq!(latest.maps as usize, MapKind::ALL.len() - 1);
    assert_eq!(latest.attaches as usize, AttachKind::ALL.len() - 1);
    assert_eq!(map_since(MapKind::InsnArray), None);
}

#[test]
fn every_kernel_function_has_a_first_release() {
    let missing: Vec<_> = (kfunc::ALL.iter())
        .filter(|kfunc| kfunc_since(kfunc.name, None).is_none())
        .map(|kfunc| kfunc.name)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn later_callers_name_helpers_and_programs_that_have_them() {
    for row in callers::LATER {
        for name in row.helpers {
            let helper = helper::by_name(name).expect("a helper's name");
            assert!(helper.callers.meets(row.callers), "{name}");
            assert!(helper_since(helper.id) < Some(row.release), "{name}");
        }
    }
}

#[test]
fn features_lie_between_the_oldest_release_and_the_latest() {
    for row in FEATURES {
        assert!(row.since > Release::OLDEST && row.since <= Release::LATEST);
        assert_eq!(row.feature.row().name, row.name);
    }
}

#[test]
fn a_few_that_people_know() {
    assert_eq!(map_since(MapKind::Ringbuf), Some(Release::new(5, 8)));
    assert_eq!(
        program_since(ProgramKind::Netfilter),
        Some(Release::new(6, 4))
    );
    assert_eq!(
        attach_since(AttachKind::TcxIngress),
        Some(Release::new(6, 6))
    );
    let reserve = helper::by_name("ringbuf_reserve").expect("a helper").id;
    assert_eq!(
        call_since(reserve, &hook(ProgramKind::Xdp)),
        Some(Release::new(5, 8))
    );
    assert_eq!(
        kfunc_since("bpf_task_acquire", Some(ProgramKind::SockOps)),
        Some(Release::new(6, 15))
    );
}

#[test]
fn later_fields_are_fields() {
    use crate::context::{Context, context};
    for (structure, field) in contexts::rows() {
        let has = |kind: &ProgramKind| match context(*kind) {
            Context::Fields(fields) => fields.name == structure && fields.field(field).is_some(),
            _ => false,
        };
        assert!(ProgramKind::ALL.iter().any(has), "{structure}.{field}");
    }
}
