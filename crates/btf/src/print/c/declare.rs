//! Declarators: C writes a type around the name, so pointers, arrays and prototypes are taken from
//! the inside out.

use std::fmt::Write;

use crate::print::c::{Dump, DumpError};
use crate::{Body, Kind, TypeId};

impl<'a> Dump<'a> {
    /// Writes `name` declared as `id`; without a name, just the type.
    pub(super) fn declare(
        &mut self,
        id: TypeId,
        name: &str,
        level: usize,
    ) -> Result<(), DumpError> {
        let ty = self.btf.type_at(id);
        self.enter(ty)?;
        // From the name outward; the last one is what everything is made of.
        let mut chain = vec![id];
        let mut next = ty;
        loop {
            let id = match next.body() {
                Body::Ptr(id)
                | Body::Volatile(id)
                | Body::Const(id)
                | Body::Restrict(id)
                | Body::TypeTag(id) => id,
                Body::FuncProto(proto) => proto.result,
                Body::Array(array) => array.element,
                _ => break,
            };
            chain.push(id);
            next = self.btf.type_at(id);
        }
        self.write_chain(&mut chain, name, level)?;
        self.leave();
        Ok(())
    }

    fn write_chain(
        &mut self,
        chain: &mut Vec<TypeId>,
        name: &str,
        level: usize,
    ) -> Result<(), DumpError> {
        let mut after_star = true;
        while let Some(id) = chain.pop() {
            let ty = self.btf.type_at(id);
            match ty.body() {
                Body::Void => {
                    self.write_qualifiers(chain);
                    self.out.push_str("void");
                }
                Body::Int(_) | Body::Float(_) => {
                    self.write_qualifiers(chain);
                    self.out.push_str(ty.name());
                }
                Body::Struct(composite) | Body::Union(composite) => {
                    self.write_qualifiers(chain);
                    if ty.is_anonymous() {
                        self.enter(ty)?;
                        self.define_composite(ty, composite, level)?;
                        self.leave();
                    } else {
                        self.declare_composite(ty);
                    }
                }
                Body::Enum(_) | Body::Enum64(_) => {
                    self.write_qualifiers(chain);
                    if ty.is_anonymous() {
                        self.define_enum(ty, level);
                    } else {
                        self.declare_enum(ty);
                    }
                }
                Body::Fwd(kind) => {
                    self.write_qualifiers(chain);
                    self.declare_fwd(ty, kind);
                }
                Body::Typedef(_) => {
                    self.write_qualifiers(chain);
                    let ident = self.ident(ty);
                    self.out.push_str(&ident);
                }
                Body::Ptr(_) => self.out.push_str(if after_star { "*" } else { " *" }),
                Body::Volatile(_) => self.out.push_str(" volatile"),
                Body::Const(_) => self.out.push_str(" const"),
                Body::Restrict(_) => self.out.push_str(" restrict"),
                Body::TypeTag(_) => {
                    self.write_qualifiers(chain);
                    let tag = ty.name();
                    // Since Linux 6.14 the flag marks any other attribute.
                    let _ = if ty.kind_flag() {
                        write!(self.out, " __attribute__(({tag}))")
                    } else {
                        write!(self.out, " __attribute__((btf_type_tag(\"{tag}\")))")
                    };
                }
                Body::Array(array) => {
                    // GCC repeats an element's qualifiers on the array; they mean nothing there.
                    self.drop_qualifiers(chain);
                    match chain.last() {
                        None => self.write_name(name, after_star),
                        Some(outer) => {
                            let outer_is_array = self.btf.type_at(*outer).kind() == Kind::Array;
                            if !name.is_empty() && !after_star {
                                self.out.push(' ');
                            }
                            if !outer_is_array {
                                self.out.push('(');
                            }
                            self.write_chain(chain, name, level)?;
                            if !outer_is_array {
                                self.out.push(')');
                            }
                        }
                    }
                    let _ = write!(self.out, "[{}]", array.len);
                    return Ok(());
                }
                Body::FuncProto(proto) => {
                    // GCC says `volatile` for functions that do not return.
                    self.drop_qualifiers(chain);
                    if chain.is_empty() {
                        self.write_name(name, after_star);
                    } else {
                        self.out.push_str(" (");
                        self.write_chain(chain, name, level)?;
                        self.out.push(')');
                    }
                    self.write_params(proto, level)?;
                    return Ok(());
                }
                Body::Func(_) | Body::Var(_) | Body::DataSec(_) | Body::DeclTag(_) => {
                    // Nothing is made of these; a checked BTF can still say so.
                    self.write_qualifiers(chain);
                    self.out.push_str("void");
                }
            }
            after_star = ty.kind() == Kind::Ptr;
        }
        self.write_name(name, after_star);
        Ok(())
    }

    fn write_params(&mut self, proto: crate::FuncProto<'a>, level: usize) -> Result<(), DumpError> {
        self.out.push('(');
        let count = proto.len();
        let nothing =
            count == 1 && proto.params().all(|param| param.ty == TypeId::VOID) || count == 0;
        if nothing {
            self.out.push_str("void)");
            return Ok(());
        }
        for (index, param) in proto.params().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if index + 1 == count && param.ty == TypeId::VOID {
                self.out.push_str("...");
            } else {
                self.declare(param.ty, param.name, level)?;
            }
        }
        self.out.push(')');
        Ok(())
    }

    fn write_name(&mut self, name: &str, after_star: bool) {
        if !name.is_empty() && !after_star {
            self.out.push(' ');
        }
        self.out.push_str(name);
    }

    /// Qualifiers of what everything is made of stand before it.
    fn write_qualifiers(&mut self, chain: &mut Vec<TypeId>) {
        while let Some(id) = chain.last() {
            self.out.push_str(match self.btf.type_at(*id).kind() {
                Kind::Volatile => "volatile ",
                Kind::Const => "const ",
                Kind::Restrict => "restrict ",
                _ => return,
            });
            chain.pop();
        }
    }

    fn drop_qualifiers(&mut self, chain: &mut Vec<TypeId>) {
        while let Some(id) = chain.last() {
            let kind = self.btf.type_at(*id).kind();
            if !matches!(kind, Kind::Volatile | Kind::Const | Kind::Restrict) {
                return;
            }
            chain.pop();
        }
    }
}
