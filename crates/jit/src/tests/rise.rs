//! Programs that run often go over to the second tier by themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use osmia_isa::{Insn, Operand, Width, encode_onto};
use osmia_program::ProgramKind;
use osmia_vm::map::Runs;
use osmia_vm::{Code, Environment, Layer, Machine};

use super::{Case, reg};
use crate::limits::HOT_RUNS;
use crate::native::{NativeCode, keeps_first};
use crate::{Tiers, pages};

/// More than the compiler takes where it is not optimised itself and has to share the machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn hot_programs_rise_and_return_the_same() {
    let mut slots = Vec::new();
    let seven = Insn::Alu {
        op: osmia_isa::AluOp::Mov,
        width: Width::W64,
        dst: reg(0),
        src: Operand::Imm(7),
    };
    encode_onto(&mut slots, &seven);
    encode_onto(&mut slots, &Insn::Exit);
    let case = Case::new(slots, Vec::new(), vec![0; 14]);
    let code = Code::prepare(&case.program, &[]).expect("nothing is missing");
    let lowered = case.lowered(&[]).expect("it has a native form");
    let native = NativeCode::new(lowered, &code, pages::vouch_for_test(), Tiers::Rising);
    assert!(code.set_native(Box::new(native.expect("memory"))));
    let runs = Arc::new(Runs::new(1));
    let mut machine = Machine::among(&runs, Environment::repeatable(7)).expect("memory");
    machine
        .input(ProgramKind::Xdp, &case.packet, &[], Layer::Ethernet)
        .expect("a packet");
    let mut run = || machine.run(&code).expect("it is sound").value;
    let native = || code.native().expect("it was set");
    let tier = || native().tier();
    for _ in 1..HOT_RUNS {
        assert_eq!(run(), 7);
    }
    assert_eq!(tier(), 1, "one run is missing");
    let start = Instant::now();
    while native().tier_times().is_none() && start.elapsed() < PATIENCE {
        assert_eq!(run(), 7);
    }
    let times = native().tier_times().expect("both were tried");
    // Which is faster is not for a test to say; what is measured as faster is what runs.
    let faster = if keeps_first(times) { 1 } else { 2 };
    assert_eq!((tier(), run()), (faster, 7));
}
