//! Classic filters: text in every form, the rules, and translations that are programs.

use osmia_isa::classic::{
    ClassicErrorKind, ClassicInsn, ClassicUse, TranslateError, assemble, check, listing,
    listing_numbers, read_insns, translate,
};
use osmia_isa::{Endian, NoNames, check_layout};
use proptest::prelude::*;

fn filter(text: &str) -> Vec<ClassicInsn> {
    assemble(text).unwrap_or_else(|error| panic!("{error}"))
}

fn broken(text: &str, classic_use: ClassicUse) -> (usize, ClassicErrorKind) {
    let error = check(&filter(text), classic_use).expect_err("the filter breaks a rule");
    (error.at, error.kind)
}

#[test]
fn each_rule_names_its_instruction() {
    use ClassicErrorKind as Kind;
    let socket = |text| broken(text, ClassicUse::SocketFilter);
    assert_eq!(socket(""), (0, Kind::Empty));
    assert_eq!(socket("ld #1"), (0, Kind::NoReturn));
    assert_eq!(socket("div #0\nret a"), (0, Kind::DivisionByZero));
    assert_eq!(socket("ret #0\nmod #0\nret a"), (1, Kind::DivisionByZero));
    assert_eq!(socket("lsh #32\nret a"), (0, Kind::Shift { by: 32 }));
    assert_eq!(
        socket("st M[16]\nret a"),
        (0, Kind::ScratchIndex { index: 16 })
    );
    assert_eq!(
        socket("ja 3\nret a"),
        (0, Kind::JumpOut { target: 3, last: 1 })
    );
    assert_eq!(
        socket("jeq #0 jt 1 jf 2\nret a"),
        (0, Kind::JumpOut { target: 2, last: 1 })
    );
    assert_eq!(
        socket("ld [-4092]\nld [-4095]\nret a"),
        (
            1,
            Kind::UnknownAncillary {
                offset: -4095_i32 as u32
            }
        )
    );
    let unknown = ClassicInsn {
        code: 0xffff,
        ..ClassicInsn::default()
    };
    let error = check(&[unknown], ClassicUse::SocketFilter).unwrap_err();
    assert_eq!(error.kind, Kind::UnknownCode { code: 0xffff });
}

#[test]
fn scratch_must_be_written_on_every_way() {
    let one_way = "jeq #1 jt 1 jf 2\nst M[3]\nld M[3]\nret a";
    assert_eq!(
        broken(one_way, ClassicUse::SocketFilter),
        (2, ClassicErrorKind::ScratchUninitialised { index: 3 })
    );
    let both = "jeq #1 jt 1 jf 3\nst M[3]\nja 4\nstx M[3]\nldx M[3]\nret a";
    assert_eq!(check(&filter(both), ClassicUse::SocketFilter), Ok(()));
}

#[test]
fn seccomp_allows_less() {
    let seccomp = |text| broken(text, ClassicUse::Seccomp);
    assert_eq!(check(&filter("ld [4]\nret a"), ClassicUse::Seccomp), Ok(()));
    assert_eq!(
        seccomp("ld [6]\nret a"),
        (0, ClassicErrorKind::SeccompOffset { offset: 6 })
    );
    assert_eq!(
        seccomp("ld [64]\nret a"),
        (0, ClassicErrorKind::SeccompOffset { offset: 64 })
    );
    assert_eq!(
        seccomp("ldh [4]\nret a"),
        (0, ClassicErrorKind::SeccompCode { code: 0x28 })
    );
    assert_eq!(
        seccomp("mod #3\nret a"),
        (0, ClassicErrorKind::SeccompCode { code: 0x94 })
    );
}

#[test]
fn what_has_no_equivalent_is_named() {
    assert_eq!(
        translate(&filter("ld [hatype]\nret a"), ClassicUse::SocketFilter),
        Err(TranslateError::Ancillary {
            at: 0,
            name: "hatype"
        })
    );
}

#[test]
fn text_errors_say_where() {
    for (text, expected) in [
        ("ld [4\nret a", "line 1: `ld` cannot have the operand `[4`"),
        ("ret a\nfoo", "line 2: unknown instruction `foo`"),
        ("2\n6 0 0 0", "line 1: 2 instructions announced, 1 follow"),
        ("6 0 0", "line 1: expected four numbers: code, jt, jf and k"),
        (
            "jeq #1",
            "line 1: expected `jt` and `jf`, the numbers of instructions",
        ),
        ("(001) ret a", "line 1: this is instruction 0, not (001)"),
    ] {
        assert_eq!(assemble(text).unwrap_err().to_string(), expected);
    }
}

/// Expressions that between them use most of the instruction set.
const EXPRESSIONS: [&str; 9] = [
    "tcp port 80",
    "ip6 and udp and not port 53",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8",
    "ip[2:2] / len > 3 or ip[6:2] % 7 = 2",
    "len > 1000 and ether[0] & 1 = 0 and ip[0] & 0xf << 2 != 20",
    "vlan 100 and ip host 10.1.2.3",
    "ip[8] * 3 + 4 - ip[9] > 7 xor 1",
    "host 192.0.2.1 or host 2001:db8::1",
    "icmp[icmptype] = icmp-echo and greater 100",
];

/// `tcpdump` prints the same filter in three forms; we must agree on all.
#[test]
fn agrees_with_tcpdump() {
    let tcpdump = |form: &str, expression: &str| {
        let output = std::process::Command::new("tcpdump")
            .args(["-y", "EN10MB", form, expression])
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).expect("tcpdump prints text"))
    };
    if tcpdump("-d", "ip").is_none() {
        osmia_diag::skipped("comparison with tcpdump", "it is not installed");
        return;
    }
    let mut compared = 0;
    for expression in EXPRESSIONS {
        // An expression that this tcpdump does not know is no test.
        let Some(mnemonics) = tcpdump("-d", expression) else {
            osmia_diag::skipped(
                "comparison with tcpdump",
                format!("it refuses `{expression}`"),
            );
            continue;
        };
        let numbers = tcpdump("-ddd", expression).unwrap();
        let braces = tcpdump("-dd", expression).unwrap();
        let insns = filter(&numbers);
        assert_eq!(filter(&braces), insns, "{expression}");
        // libpcap leaves numbers in fields that an instruction does not use; its text omits them.
        assert_eq!(
            listing(&filter(&mnemonics)),
            listing(&insns),
            "{expression}"
        );
        assert_eq!(listing_numbers(&insns), numbers, "{expression}");
        let trimmed = mnemonics
            .lines()
            .map(|line| format!("{}\n", line.trim_end()));
        assert_eq!(listing(&insns), trimmed.collect::<String>(), "{expression}");
        assert_eq!(check(&insns, ClassicUse::SocketFilter), Ok(()));
        let slots = translate(&insns, ClassicUse::SocketFilter).unwrap();
        assert_eq!(check_layout(&slots), Ok(()), "{expression}");
        compared += 1;
    }
    println!("compared {compared} filters");
    assert!(compared >= 5);
}

fn any_insn() -> impl Strategy<Value = ClassicInsn> {
    let code = prop_oneof![
        9 => (0_usize..49).prop_map(|index| {
            // Every code that has a meaning, found by asking.
            (0..=0xff)
                .filter(|&code| ClassicInsn { code, ..ClassicInsn::default() }.op().is_some())
                .nth(index)
                .unwrap_or(0)
        }),
        1 => any::<u16>(),
    ];
    let k = prop_oneof![4 => 0_u32..20, 1 => any::<u32>(), 1 => 0xffff_f000_u32..0xffff_f040];
    (code, 0_u8..4, 0_u8..4, k).prop_map(|(code, jt, jf, k)| ClassicInsn { code, jt, jf, k })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_filter_is_translated_or_refused(
        mut insns in proptest::collection::vec(any_insn(), 0..24),
        returns in any::<bool>(),
    ) {
        if returns {
            insns.push(ClassicInsn { code: 6, ..ClassicInsn::default() });
        }
        let _ = listing(&insns);
        for classic_use in [ClassicUse::SocketFilter, ClassicUse::Seccomp] {
            match translate(&insns, classic_use) {
                Ok(slots) => {
                    prop_assert_eq!(check(&insns, classic_use), Ok(()));
                    prop_assert_eq!(check_layout(&slots), Ok(()));
                    let text = osmia_isa::listing(&slots, &NoNames);
                    prop_assert_eq!(osmia_isa::assemble(&text, &NoNames).map(|a| a.slots), Ok(slots));
                }
                Err(error) => {
                    let _ = error.to_diagnostic(&insns).to_text(osmia_diag::Paint::Plain);
                }
            }
        }
    }

    #[test]
    fn checked_filters_read_back(mut insns in proptest::collection::vec(any_insn(), 0..24)) {
        insns.push(ClassicInsn { code: 6, ..ClassicInsn::default() });
        prop_assert_eq!(assemble(&listing_numbers(&insns)), Ok(insns.clone()));
        if check(&insns, ClassicUse::SocketFilter).is_ok() {
            // Text has no place for fields that an instruction does not use.
            let plain: Vec<_> = assemble(&listing(&insns)).unwrap();
            prop_assert_eq!(listing(&plain), listing(&insns));
        }
    }

    #[test]
    fn any_text_and_bytes_give_values_or_errors(text in ".*", bytes: Vec<u8>) {
        let _ = assemble(&text);
        for endian in [Endian::Little, Endian::Big] {
            if let Ok(insns) = read_insns(&bytes, endian) {
                let written: Vec<u8> = insns.iter().flat_map(|i| i.to_bytes(endian)).collect();
                prop_assert_eq!(&written, &bytes);
            }
        }
    }
}
