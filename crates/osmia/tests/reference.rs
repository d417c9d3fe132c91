//! The kernel types that are shipped: what programs of the examples ask for is in them.

use osmia::btf::Kind;
use osmia::{LinkOptions, Object, reference_note, reference_types, user_options};

fn example(name: &str) -> Object {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    Object::open(format!("{folder}/{name}")).expect("it is an object")
}

#[test]
fn common_structures_are_whole() {
    let types = reference_types();
    for name in [
        "task_struct",
        "file",
        "sock",
        "cred",
        "mm_struct",
        "nsproxy",
        "pt_regs",
        "sk_buff",
        "xdp_buff",
        "tcp_sock",
    ] {
        let id = types.find(name, Kind::Struct).expect(name);
        let members = types.type_at(id).composite().expect(name).members();
        assert!(members.len() > 1, "{name}");
    }
}

#[test]
fn examples_link_and_verify_with_them() {
    for name in ["core.bpf.o", "trace.bpf.o"] {
        let object = example(name);
        let options = user_options(&object, Some("reference".as_ref()), None, false);
        let options = options.expect("they are shipped");
        assert!(reference_note(&options).is_some());
        let target = options.target();
        let linked = object.link(&target, &LinkOptions::default()).expect(name);
        for judged in linked.verify(&target, None).expect(name) {
            assert!(judged.accepted, "{}: {:?}", judged.program, judged.reason);
        }
    }
}

#[test]
fn an_absent_function_is_no_mistake_of_the_program() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/tests/data");
    let object = Object::open(format!("{folder}/typed.bpf.o")).expect("it is an object");
    let options = user_options(&object, Some("reference".as_ref()), None, false);
    let target = options.expect("they are shipped").target();
    let linked = object.link(&target, &LinkOptions::default());
    let judged = linked
        .expect("it asks for no layouts")
        .verify(&target, None);
    assert!(judged.expect("it is judged").iter().all(|one| !one.judged));
}
