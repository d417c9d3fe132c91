//! All relocations of one object against one target.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::core::compat::{Compare, kinds_compatible};
use crate::core::find::walk;
use crate::core::poison::{Candidate, Poison, Reason};
use crate::core::spec::Spec;
use crate::core::value::{Answer, answer, without_target};
use crate::core::{CoreError, Relo, ReloKind};
use crate::query::{describe, shown_name};
use crate::{Body, Btf, TypeId, limits};

/// What became of a relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What was asked.
    pub kind: ReloKind,
    /// The answer or why there is none.
    pub outcome: Outcome,
    /// The number in the instruction must be `orig`, else the object is damaged.
    pub validate: bool,
    /// Set if the field's size differs between object and target.
    pub resize: Option<Resize>,
}

/// An answer or the reason for poisoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer in the object's own types, which the compiler put into the instruction, and in
    /// the target's.
    Value {
        /// The object's.
        orig: u64,
        /// The target's.
        new: u64,
    },
    /// The instruction may never run.
    Poison(Arc<Poison>),
}

/// A field whose size differs. It only matters to loads and stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Bytes in the object.
    pub orig_bytes: u64,
    /// Bytes in the target.
    pub new_bytes: u64,
    /// Why a load or store cannot follow; `None` for pointers and unsigned integers.
    pub refused: Option<Arc<Poison>>,
}

/// Resolves the relocations of one object, in their order. It remembers, like libbpf, which
/// candidates matched so far: one that failed a relocation is out for the next of the same type.
pub struct Resolver<'a> {
    local: &'a Btf,
    /// The kernel's BTF, then its modules'.
    targets: &'a [&'a Btf],
    candidates: FxHashMap<TypeId, Vec<(usize, TypeId)>>,
    done: FxHashMap<(TypeId, ReloKind, Box<str>), Resolution>,
    steps_left: u32,
}

impl<'a> Resolver<'a> {
    /// For an object with BTF `local`. `targets` is the target's BTF followed by its modules',
    /// which are searched only for types that the first lacks.
    pub fn new(local: &'a Btf, targets: &'a [&'a Btf]) -> Self {
        Resolver {
            local,
            targets,
            candidates: FxHashMap::default(),
            done: FxHashMap::default(),
            steps_left: limits::COMPARE_STEPS_MAX,
        }
    }

    /// Resolves one relocation.
    pub fn resolve(&mut self, relo: &Relo<'_>) -> Result<Resolution, CoreError> {
        if relo.ty.0 >= self.local.type_count() {
            return Err(CoreError::UnknownType { ty: relo.ty });
        }
        if relo.access.len() > limits::ACCESS_BYTES_MAX {
            return Err(CoreError::Access {
                kind: relo.kind,
                ty: describe(self.local, relo.ty),
                access: shown_name(relo.access).to_owned(),
                problem: format!(
                    "goes on for {} bytes, more than ACCESS_BYTES_MAX = {}",
                    relo.access.len(),
                    limits::ACCESS_BYTES_MAX
                ),
            });
        }
        let key = (relo.ty, relo.kind, relo.access.into());
        if let Some(done) = self.done.get(&key) {
            return Ok(done.clone());
        }
        let resolution = self.resolve_new(relo)?;
        self.done.insert(key, resolution.clone());
        Ok(resolution)
    }

    fn resolve_new(&mut self, relo: &Relo<'_>) -> Result<Resolution, CoreError> {
        let local = Spec::local(self.local, relo)?;
        if relo.kind == ReloKind::TypeIdLocal {
            let id = u64::from(relo.ty.0);
            return Ok(Resolution {
                kind: relo.kind,
                outcome: Outcome::Value { orig: id, new: id },
                validate: false,
                resize: None,
            });
        }
        if self.local.type_at(relo.ty).is_anonymous() {
            return Err(CoreError::Anonymous {
                kind: relo.kind,
                ty: describe(self.local, relo.ty),
            });
        }
        let orig = answer(relo.kind, &local)?;
        let mut matching: Vec<(usize, TypeId)> = Vec::new();
        let mut best: Option<(u64, Answer)> = None;
        let candidates = self.candidates(relo.ty);
        for &(btf, id) in &candidates {
            let mut compare = Compare {
                local: self.local,
                target: self.targets[btf],
                steps_left: self.steps_left,
            };
            let walked = walk(relo.kind, &local, &mut compare, id);
            self.steps_left = compare.steps_left;
            let spec = match walked {
                Ok(spec) => spec,
                Err(stop) => {
                    stop.into_miss(relo.kind, &local)?;
                    continue;
                }
            };
            let new = answer(relo.kind, &spec)?;
            match best {
                None => best = Some((spec.bit_offset, new)),
                Some((bit_offset, first)) => {
                    if spec.bit_offset != bit_offset || new.value != first.value {
                        let texts = if new.value != first.value {
                            (first.value.to_string(), new.value.to_string())
                        } else {
                            (
                                format!("bit {bit_offset}"),
                                format!("bit {}", spec.bit_offset),
                            )
                        };
                        let (first_btf, first_id) = matching[0];
                        return Err(CoreError::Ambiguous {
                            kind: relo.kind,
                            ty: (describe(self.local, relo.ty) + &path_text(&local)).into(),
                            first: self.name_of(first_btf, first_id).into(),
                            first_answer: texts.0.into(),
                            second: self.name_of(btf, id).into(),
                            second_answer: texts.1.into(),
                        });
                    }
                }
            }
            matching.push((btf, id));
        }
        let Some((_, new)) = best.or_else(|| without_target(relo.kind).map(|new| (0, new))) else {
            let poison = self.poison(relo, &local, &candidates)?;
            return Ok(Resolution {
                kind: relo.kind,
                outcome: Outcome::Poison(Arc::new(poison)),
                validate: orig.validate,
                resize: None,
            });
        };
        let resize = match matching.first() {
            Some(&(btf, _)) => self.resize(relo, &local, orig, self.targets[btf], new),
            None => None,
        };
        if !matching.is_empty() {
            self.candidates.insert(relo.ty, matching);
        }
        Ok(Resolution {
            kind: relo.kind,
            outcome: Outcome::Value {
                orig: orig.value,
                new: new.value,
            },
            validate: orig.validate,
            resize,
        })
    }

    fn name_of(&self, btf: usize, id: TypeId) -> String {
        format!("{id} {}", describe(self.targets[btf], id))
    }

    /// Types of the target with the root's name, flavour aside, and kind.
    fn candidates(&mut self, root: TypeId) -> Vec<(usize, TypeId)> {
        if let Some(known) = self.candidates.get(&root) {
            return known.clone();
        }
        let local = self.local.type_at(root);
        let mut found = Vec::new();
        for (position, btf) in self.targets.iter().enumerate() {
            // If the kernel itself has one, modules are not asked.
            if position > 0 && found.iter().any(|(btf, _)| *btf == 0) {
                break;
            }
            found.extend(
                btf.index()
                    .named(btf, local.name())
                    .filter(|id| kinds_compatible(local.kind(), btf.type_at(*id).kind()))
                    .map(|id| (position, id)),
            );
        }
        self.candidates.insert(root, found.clone());
        found
    }

    fn poison(
        &mut self,
        relo: &Relo<'_>,
        local: &Spec<'_>,
        candidates: &[(usize, TypeId)],
    ) -> Result<Poison, CoreError> {
        let mut explained = Vec::new();
        for &(btf, ty) in candidates {
            let mut compare = Compare {
                local: self.local,
                target: self.targets[btf],
                steps_left: self.steps_left,
            };
            let walked = walk(relo.kind, local, &mut compare, ty);
            self.steps_left = compare.steps_left;
            if let Err(stop) = walked {
                explained.push(Candidate {
                    btf,
                    ty,
                    name: describe(self.targets[btf], ty),
                    mismatch: stop
                        .into_miss(relo.kind, local)?
                        .explain(local, self.targets[btf]),
                });
            }
        }
        Ok(Poison {
            kind: relo.kind,
            local: relo.ty,
            local_name: describe(self.local, relo.ty),
            path: path_text(local),
            reason: if explained.is_empty() {
                Reason::NoCandidate
            } else {
                Reason::NoMatch(explained)
            },
        })
    }

    /// Loads may only follow a size where the missing upper bytes are zero: a kernel of 32 bits
    /// has shorter pointers, and unsigned integers may grow.
    fn resize(
        &self,
        relo: &Relo<'_>,
        local: &Spec<'_>,
        orig: Answer,
        target: &Btf,
        new: Answer,
    ) -> Option<Resize> {
        if orig.access_bytes == new.access_bytes {
            return None;
        }
        let bodies = (
            self.local.type_at(orig.access_type).body(),
            target.type_at(new.access_type).body(),
        );
        let can_follow = match bodies {
            (Body::Ptr(_), Body::Ptr(_)) => true,
            (Body::Int(a), Body::Int(b)) => {
                a.encoding != crate::Int::SIGNED && b.encoding != crate::Int::SIGNED
            }
            _ => false,
        };
        Some(Resize {
            orig_bytes: orig.access_bytes,
            new_bytes: new.access_bytes,
            refused: (!can_follow).then(|| {
                Arc::new(Poison {
                    kind: relo.kind,
                    local: relo.ty,
                    local_name: describe(self.local, relo.ty),
                    path: path_text(local),
                    reason: Reason::AccessSize {
                        local_bytes: orig.access_bytes,
                        target_bytes: new.access_bytes,
                    },
                })
            }),
        })
    }
}

/// A walk as C writes it after a variable: `.mm.pgd[3]`; `::NAME` for an enumerator.
pub(super) fn path_text(spec: &Spec<'_>) -> String {
    let mut text = String::new();
    for (position, step) in spec.steps.iter().enumerate() {
        match step.name {
            Some(name) => {
                let is_enumerator = spec.btf.type_at(step.ty).kind().is_enum();
                text.push_str(if is_enumerator { "::" } else { "." });
                text.push_str(shown_name(spec.btf.string_or_empty(name)));
            }
            None if position == 0 && step.index == 0 => {}
            None => text.push_str(&format!("[{}]", step.index)),
        }
    }
    text
}
