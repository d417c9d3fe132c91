//! From an [`Object`] to programs for one target.
//!
//! The order of things is libbpf's, because instructions have to come out as libbpf's do: CO-RE
//! first, in the order of the records; then, for each program, its subprograms appended depth first
//! in the order of the calls; then references to maps, variables and externs.

mod code;
mod core;
mod error;
mod externs;
mod maps;
mod options;
mod settings;
mod struct_ops;

use std::sync::Arc;

use osmia_diag::{Diagnostic, Place};
use osmia_program::{
    Global, Hook, MapIndex, Program, ProgramFlags, ProgramKind, ProgramParts, ProgramSet, Target,
};

pub use error::{LinkError, LinkProblem};
pub use options::{LinkOptions, ProgramType};

use crate::error::clip;
use crate::{Object, ProgramDecl, codes, limits};

impl Object {
    /// Links every program of the object, or those that `options` selects, for `target`.
    ///
    /// A program that is not to be loaded by default and cannot be linked is left out; one of
    /// unknown type among others is linked and not to be loaded, unless `options` names it.
    ///
    /// # Errors
    /// Everything that is wrong with the programs that would be loaded.
    pub fn link(&self, target: &Target, options: &LinkOptions) -> Result<ProgramSet, LinkError> {
        self.link_noting(target, options, &mut Vec::new())
    }

    /// The same; what is worth knowing about it goes to `notes`.
    ///
    /// # Errors
    /// As [`Object::link`].
    pub fn link_noting(
        &self,
        target: &Target,
        options: &LinkOptions,
        notes: &mut Vec<Diagnostic>,
    ) -> Result<ProgramSet, LinkError> {
        let mut problems = options::check(self, options);
        let externs = externs::resolve(self, target);
        let mut maps = maps::specs(self, options, &externs, &mut problems);
        settings::apply(self, options, &mut maps, &mut problems);
        externs::check_configuration(self, options, &externs, &mut problems);
        let operations = struct_ops::lay_out(self, target, &mut maps, &mut problems);
        let patched = core::patch_all(self, target, notes);

        let mut linker = code::Linker::new(self, &externs, &patched, &maps);
        let mut programs = Vec::new();
        let some_typed = self.programs.iter().any(|decl| !is_untyped(decl, options));
        for decl in &self.programs {
            if !options.selects(&decl.name) {
                continue;
            }
            if problems.len() >= limits::PROBLEMS_MAX {
                break;
            }
            let mut autoload = options.autoload(decl);
            if is_untyped(decl, options) && autoload && !options.names(decl) && some_typed {
                autoload = false;
                notes.push(untyped(decl));
            }
            match self.link_one(decl, autoload, options, &operations, &mut linker) {
                Ok(program) => programs.push(program),
                Err(found) if autoload => problems.extend(found),
                Err(found) => {
                    if let Some(first) = found.first() {
                        let told = first.to_diagnostic();
                        let note = Diagnostic::note_only(
                            codes::OBJECT_NOTE,
                            format!(
                                "program `{}` is not loaded by default and is left out: {}",
                                clip(&decl.name),
                                told.message
                            ),
                        );
                        notes.push(note.at(Place::none().program(clip(&decl.name))));
                    }
                }
            }
        }
        if !problems.is_empty() {
            return Err(LinkError {
                file: self.name().to_owned(),
                problems,
            });
        }
        let globals = self
            .variables
            .iter()
            .map(|variable| Global {
                name: variable.name.clone(),
                map: MapIndex::from_usize(variable.map),
                offset: variable.offset,
                size: variable.size,
                type_id: variable.type_id,
            })
            .collect();
        for note in notes {
            if note.place.file.is_none() {
                note.place.file = Some(self.name().to_owned());
            }
        }
        Ok(ProgramSet {
            programs,
            maps,
            globals,
            btf: self.btf().map(Arc::clone),
        })
    }

    fn link_one(
        &self,
        decl: &ProgramDecl,
        autoload: bool,
        options: &LinkOptions,
        operations: &struct_ops::Operations,
        linker: &mut code::Linker<'_>,
    ) -> Result<Program, Vec<LinkProblem>> {
        let (mut hook, flags) = type_of(decl, options);
        if hook.kind == ProgramKind::StructOps
            && let Some(operation) = operations.get(&decl.function)
        {
            hook.target = Some(operation.clone());
        }
        if hook.kind == ProgramKind::Unspec && autoload {
            return Err(vec![LinkProblem::UnknownType {
                program: decl.name.clone(),
                section: decl.section.clone(),
            }]);
        }
        let linked = linker.link(decl)?;
        Program::new(ProgramParts {
            name: decl.name.clone(),
            section: decl.section.clone(),
            hook,
            flags,
            license: self.license.clone(),
            kernel_version: self.kernel_version,
            autoload,
            insns: linked.insns,
            maps: linked.maps,
            functions: linked.functions,
            debug: linked.debug,
            poisons: linked.poisons,
            kfuncs: linked.kfuncs,
        })
        .map_err(|error| {
            vec![LinkProblem::Layout {
                program: decl.name.clone(),
                error,
            }]
        })
    }
}

/// Nobody said what type it has.
fn is_untyped(decl: &ProgramDecl, options: &LinkOptions) -> bool {
    type_of(decl, options).0.kind == ProgramKind::Unspec
}

/// Among programs with a type, one without is left alone instead of failing them all.
fn untyped(decl: &ProgramDecl) -> Diagnostic {
    Diagnostic::note_only(
        codes::LINK_TYPE,
        format!(
            "program `{}` is not loaded: its section name {} says no type",
            clip(&decl.name),
            clip(&decl.section)
        ),
    )
    .at(Place::none()
        .section(clip(&decl.section))
        .program(clip(&decl.name)))
    .help("to load it give its type, for example: --type xdp")
}

/// What the section name says, or the user.
fn type_of(decl: &ProgramDecl, options: &LinkOptions) -> (Hook, ProgramFlags) {
    match options.type_of(decl) {
        None => (decl.hook.clone(), decl.flags),
        Some(given) if given.kind == decl.hook.kind && given.attach.is_none() => {
            (decl.hook.clone(), decl.flags)
        }
        Some(given) => {
            let hook = Hook {
                kind: given.kind,
                attach: given.attach,
                target: decl.hook.target.clone(),
            };
            (hook, ProgramFlags::default())
        }
    }
}
