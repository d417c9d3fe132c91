//! Machine code of the programs that are loaded, or why there is none.

use osmia_program::{Form, Interpreted, Target};
use osmia_vm::Code;

use crate::proof::Proof;

/// Gives a program its native form, if the compiler takes it.
pub(crate) fn compile(code: &Code, proof: &Proof, target: &Target) -> Form {
    let Ok(facts) = proof.facts(target) else {
        // A mistake of ours: there is no proof after all.
        let why = Interpreted::NotVerified;
        return Form::Interpreted { why };
    };
    match proof.compile(&facts, code) {
        Ok(native) => {
            let code_bytes = native.code_bytes();
            code.set_native(Box::new(native));
            Form::Native { code_bytes }
        }
        Err(why) => Form::Interpreted {
            why: Interpreted::NotCompiled(Box::new(why.to_diagnostic())),
        },
    }
}
