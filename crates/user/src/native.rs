//! Machine code of the programs that are loaded, or why there is none.

use osmia_jit::{NativeCode, NotCompiled, Template};
use osmia_program::{Form, Interpreted, Target};
use osmia_vm::Code;

use crate::verdict::Proof;

/// Gives a program its native form, if the compiler takes it.
pub(crate) fn compile(code: &Code, proof: &Proof, target: &Target) -> Form {
    let known = proof.template.get().and_then(|known| known.native(code));
    let native = match known {
        Some(native) => Ok(native),
        None => made(code, proof, target),
    };
    match native {
        Ok(Ok(native)) => {
            let code_bytes = native.code_bytes();
            code.set_native(Box::new(native));
            Form::Native { code_bytes }
        }
        Ok(Err(why)) => Form::Interpreted {
            why: Interpreted::NotCompiled(Box::new(why.to_diagnostic())),
        },
        Err(why) => Form::Interpreted { why },
    }
}

/// Compiles it, and keeps what other loads of the program can use.
fn made(
    code: &Code,
    proof: &Proof,
    target: &Target,
) -> Result<Result<NativeCode, NotCompiled>, Interpreted> {
    // A mistake of ours if there are none: there is no proof after all.
    let facts = proof.facts(target).map_err(|_| Interpreted::NotVerified)?;
    let made = Template::make(&facts, code);
    Ok(made.map(|(native, template)| {
        if let Some(template) = template {
            // Another load may have been faster.
            let _ = proof.template.set(template);
        }
        native
    }))
}
