//! Programs that replace a function of another program: what they may look like, and what they are given.

use std::sync::Arc;

use osmia_btf::{BtfBuilder, Linkage, NewMember, TypeId};
use osmia_isa::{Endian, NoNames, assemble};
use osmia_program::{
    AttachKind, DebugInfo, FuncRecord, Function, KernelVersion, Program, ProgramKind, ProgramParts,
    Target,
};
use osmia_verify::{Mistake, Options, Replaced, verify};

/// What a function takes, for its BTF.
#[derive(Copy, Clone)]
enum Param {
    Int,
    Long,
    Context(&'static str),
}

/// A program whose functions begin at these slots.
fn program(kind: ProgramKind, text: &str, functions: &[(&str, u32, bool, &[Param])]) -> Program {
    let mut types = BtfBuilder::new();
    let (int, long) = (types.int("int", 4, 1), types.int("long", 8, 1));
    let mut funcs = Vec::new();
    for (name, start, _, params) in functions {
        let params: Vec<(&str, TypeId)> = (params.iter())
            .map(|param| match param {
                Param::Int => ("n", int),
                Param::Long => ("n", long),
                Param::Context(name) => {
                    let structure = types.structure(name, 4, &[NewMember::new("a", int, 0)]);
                    ("ctx", types.ptr(structure))
                }
            })
            .collect();
        let proto = types.func_proto(int, &params);
        let type_id = types.func(name, Linkage::Global, proto);
        funcs.push(FuncRecord {
            insn: *start,
            type_id,
        });
    }
    let slots = assemble(text, &NoNames).expect("it is assembly").slots;
    let mut parts = ProgramParts::bare(functions[0].0, kind, slots);
    parts.functions = (functions.iter())
        .map(|(name, start, global, _)| Function {
            name: (*name).to_owned(),
            start: *start,
            global: *global,
        })
        .collect();
    parts.debug = Some(DebugInfo {
        btf: Arc::new(types.build(Endian::NATIVE).expect("well-formed types")),
        funcs,
        lines: Vec::new(),
    });
    Program::new(parts).expect("it is a program")
}

/// An XDP program with a function of one number, a static one, and one that may change the packet.
fn original() -> Arc<Program> {
    let text = "\
call pc+4
call pc+5
r1 = 0
r0 = 2
exit
r0 = 1
exit
r0 = 1
exit";
    let functions: &[(&str, u32, bool, &[Param])] = &[
        ("filter", 0, true, &[Param::Context("xdp_md")]),
        ("counted", 5, true, &[Param::Int]),
        ("hidden", 7, false, &[Param::Int]),
    ];
    Arc::new(program(ProgramKind::Xdp, text, functions))
}

fn target() -> Target {
    Target {
        name: "test".to_owned(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 1,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    }
}

fn function(name: &str) -> Option<Replaced> {
    Some(Replaced {
        program: original(),
        function: name.to_owned(),
    })
}

/// Why a program may not replace a function of [`original`], if it may not.
fn replaced(name: &str, text: &str, params: &[Param]) -> Option<String> {
    let own = program(ProgramKind::Ext, text, &[("mine", 0, true, params)]);
    let options = Options {
        replaces: function(name),
        ..Options::default()
    };
    let why = verify(&own, &[], &target(), &options).result.err()?;
    Some(format!("{}: {}", why.kind().code().id, why.message))
}

/// Why a program may not look at a function of [`original`], if it may not.
fn traced(attach: AttachKind, name: &str, text: &str) -> Option<String> {
    let slots = assemble(text, &NoNames).expect("it is assembly").slots;
    let mut parts = ProgramParts::bare("mine", ProgramKind::Tracing, slots);
    parts.hook.attach = Some(attach);
    parts.hook.target = Some(name.to_owned());
    let own = Program::new(parts).expect("it is a program");
    let options = Options {
        traces: function(name),
        ..Options::default()
    };
    let why = verify(&own, &[], &target(), &options).result.err()?;
    Some(format!("{}: {}", why.kind().code().id, why.message))
}

const PASS: &str = "r0 = 2\nexit";

#[test]
fn the_same_prototype_will_do() {
    assert_eq!(replaced("counted", "r0 = r1\nexit", &[Param::Int]), None);
}

#[test]
fn the_context_is_that_of_the_other_program() {
    let reads = "r0 = *(u32 *)(r1 + 0)\nr0 = 2\nexit";
    let context = [Param::Context("xdp_md")];
    assert_eq!(replaced("filter", reads, &context), None);
    let beyond = "r0 = *(u32 *)(r1 + 96)\nexit";
    let why = replaced("filter", beyond, &context).expect("there is no such field");
    assert!(why.contains("invalid bpf_context access"), "{why}");
}

#[test]
fn prototypes_must_agree() {
    let says = |function, params: &[Param]| replaced(function, PASS, params).unwrap_or_default();
    assert_eq!(
        says("counted", &[Param::Int, Param::Int]),
        "verify-attach: mine() has 2 args while counted() has 1 args"
    );
    assert_eq!(
        says("counted", &[Param::Long]),
        "verify-attach: arg0 in mine() has size 8 while counted() has 4"
    );
    assert_eq!(
        says("filter", &[Param::Context("__sk_buff")]),
        "verify-attach: arg0 mine(struct __sk_buff *) doesn't match filter(struct xdp_md *)"
    );
    assert_eq!(
        says("filter", &[Param::Int]),
        "verify-attach: arg0 in mine() is Int while filter() has Ptr"
    );
}

#[test]
fn only_global_functions_that_are_there() {
    let says = |function| replaced(function, PASS, &[Param::Int]).unwrap_or_default();
    assert_eq!(
        says("hidden"),
        "verify-attach: Cannot replace static functions"
    );
    assert_eq!(
        says("absent"),
        "verify-attach: Subprog absent doesn't exist"
    );
}

#[test]
fn the_packet_stays_where_it_was_expected() {
    let moves = "r2 = 0\ncall 44\nr0 = 2\nexit";
    let why = replaced("filter", moves, &[Param::Context("xdp_md")]).unwrap_or_default();
    assert_eq!(
        why,
        "verify-attach: Extension program changes packet data, while original does not"
    );
    assert_eq!(Mistake::Attach.code().id, "verify-attach");
}

#[test]
fn arguments_of_another_program_are_known_by_its_types() {
    let (begin, end) = (AttachKind::TraceFentry, AttachKind::TraceFexit);
    let nth = |index: u64| format!("r1 = *(u64 *)(r1 + {})\nr0 = 0\nexit", 8 * index);
    assert_eq!(traced(begin, "counted", &nth(0)), None);
    // The result is there at the end.
    let why = traced(begin, "counted", &nth(1)).expect("there is one argument");
    assert!(why.contains("invalid bpf_context access"), "{why}");
    assert_eq!(traced(end, "counted", &nth(1)), None);
    // A compiler may have changed what a static function takes.
    assert_eq!(traced(begin, "hidden", &nth(4)), None);
    // The context is the kernel's own, which no arithmetic may change.
    let counts = "r1 = *(u64 *)(r1 + 0)\nr1 *= 2\nr0 = 0\nexit";
    let why = traced(begin, "filter", counts).expect("it is a pointer");
    assert!(why.contains("R1"), "{why}");
}

#[test]
fn only_begins_and_ends_of_other_programs_are_looked_at() {
    let pass = "r0 = 0\nexit";
    let says = |attach, name| traced(attach, name, pass).unwrap_or_default();
    assert_eq!(
        says(AttachKind::ModifyReturn, "counted"),
        "verify-attach: can't modify return codes of BPF programs"
    );
    assert_eq!(
        says(AttachKind::TraceRawTp, "counted"),
        "verify-attach: Only FENTRY/FEXIT progs are attachable to another BPF prog"
    );
    assert_eq!(
        says(AttachKind::TraceFentry, "absent"),
        "verify-attach: Subprog absent doesn't exist"
    );
}
