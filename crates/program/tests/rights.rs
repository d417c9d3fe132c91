//! Which rights helpers ask for, against what kernels let people with fewer rights call: `rights/*.txt`.

use osmia_program::helper::{self, HelperDenial};
use osmia_program::release::call_since;
use osmia_program::release::probe::{Probe, hook};
use osmia_program::{Privilege, Release};

fn differences(text: &str, release: Release, privilege: Privilege) -> Vec<String> {
    let probe = Probe::from_text(text).expect("it is a probe");
    assert!(!probe.helpers.is_empty());
    let mut differ = Vec::new();
    for (role, there) in &probe.helpers {
        let hook = hook(role).expect("a role");
        assert!(Privilege::of_programs(hook.kind) <= privilege, "{role}");
        for helper in &helper::ALL[1..] {
            let permitted = helper.permits(&hook, "GPL", true) != Err(HelperDenial::Callers);
            let came = call_since(helper.id, &hook).is_some_and(|since| since <= release);
            let expected = permitted && came && Privilege::of_calls(helper, &hook) <= privilege;
            if expected != there.contains(&helper.id) {
                differ.push(format!("{role}: {}: {expected} by the table", helper.name));
            }
        }
    }
    differ
}

#[test]
fn helpers_for_people_with_cap_bpf() {
    let text = include_str!("rights/bpf.txt");
    let differ = differences(text, Release::new(6, 18), Privilege::Bpf);
    assert_eq!(differ, Vec::<String>::new());
}

#[test]
fn helpers_for_everybody() {
    let text = include_str!("rights/none.txt");
    let differ = differences(text, Release::new(6, 16), Privilege::None);
    assert_eq!(differ, Vec::<String>::new());
}
