//! Special fields in map values and in objects that programs make: what is more than bytes, found by
//! BTF.

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::MapSpec;

/// Most special fields of a type (`BTF_FIELDS_MAX`).
const FIELDS_MAX: usize = 11;
/// Structures in structures, as deep as Linux looks.
const DEPTH_MAX: u32 = 8;

/// Where a special field can be.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// In the values of a map.
    Map(u16),
    /// In objects of this type of the program's BTF.
    Object(u32),
}

/// What a special field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    SpinLock,
    ResilientLock,
    Timer,
    Workqueue,
    TaskWork,
    Refcount,
    ListHead(Root),
    ListNode,
    TreeRoot(Root),
    TreeNode,
    Kptr(Kptr),
}

/// What a list or tree holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// The type of its objects, in the program's BTF.
    pub(crate) object: u32,
    /// Where in them the node is.
    pub(crate) node: u32,
}

/// How a field keeps the pointer in it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// It only remembers it.
    Untrusted,
    /// It owns what it points to.
    Owned,
    /// It owns what it points to, which has a copy for each CPU.
    PerCpu,
    /// A page of a process.
    User,
}

/// What a kept pointer points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A structure of the kernel.
    Kernel(String),
    /// A type that only the program's BTF has.
    Object(u32),
}

/// A pointer in a map value or object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kptr {
    pub(crate) keeps: Keeps,
    pub(crate) target: Target,
    /// Name of the type it points to.
    pub(crate) name: String,
    /// Bytes of the type.
    pub(crate) bytes: u32,
}

/// A special field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: i64,
    pub(crate) bytes: i64,
    pub(crate) special: Special,
}

/// The special fields of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record(pub(crate) Vec<Field>);

impl Special {
    /// What messages call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Special::SpinLock => "bpf_spin_lock",
            Special::ResilientLock => "bpf_res_spin_lock",
            Special::Timer => "bpf_timer",
            Special::Workqueue => "bpf_wq",
            Special::TaskWork => "bpf_task_work",
            Special::Refcount => "bpf_refcount",
            Special::ListHead(_) => "bpf_list_head",
            Special::ListNode => "bpf_list_node",
            Special::TreeRoot(_) => "bpf_rb_root",
            Special::TreeNode => "bpf_rb_node",
            Special::Kptr(kptr) => match kptr.keeps {
                Keeps::Untrusted | Keeps::Owned => "kptr",
                Keeps::PerCpu => "percpu_kptr",
                Keeps::User => "uptr",
            },
        }
    }
}

impl Record {
    /// Those of a map's values.
    pub(crate) fn of_map(spec: &MapSpec, kernel: Option<&Btf>) -> Record {
        let Some((btf, value)) = spec
            .btf
            .as_ref()
            .and_then(|types| Some((&types.btf, types.value?)))
        else {
            return Record::default();
        };
        Record::of_type(btf, value, kernel)
    }

    /// Those of a type.
    pub(crate) fn of_type(btf: &Btf, ty: TypeId, kernel: Option<&Btf>) -> Record {
        let mut search = Search {
            btf,
            kernel,
            found: Vec::new(),
        };
        search.look(ty, 0, 0);
        search.found.sort_by_key(|field| field.offset);
        Record(search.found)
    }

    /// The first field of a kind.
    pub(crate) fn find(&self, is: impl Fn(&Special) -> bool) -> Option<&Field> {
        self.0.iter().find(|field| is(&field.special))
    }

    /// The field at an offset.
    pub(crate) fn at(&self, offset: i64) -> Option<&Field> {
        self.0.iter().find(|field| field.offset == offset)
    }

    /// Fields that lie between two offsets, in part at least.
    pub(crate) fn touched(&self, start: i64, end: i64) -> impl Iterator<Item = &Field> {
        let inside = move |field: &&Field| start < field.offset + field.bytes && field.offset < end;
        self.0.iter().filter(inside)
    }

    /// True if there is a lock of either kind.
    pub(crate) fn has_lock(&self) -> bool {
        self.find(|special| matches!(special, Special::SpinLock | Special::ResilientLock))
            .is_some()
    }
}

/// A walk through a type.
struct Search<'b> {
    btf: &'b Btf,
    kernel: Option<&'b Btf>,
    found: Vec<Field>,
}

impl Search<'_> {
    fn look(&mut self, ty: TypeId, base: i64, depth: u32) {
        let ty = self.btf.resolve(ty);
        if depth > DEPTH_MAX {
            return;
        }
        match ty.body() {
            Body::Struct(composite) => {
                for (index, member) in composite.members().enumerate() {
                    let offset = base + i64::from(member.bit_offset / 8);
                    self.look_at(member.ty, offset, (ty.id(), Some(index as u32)), depth);
                }
            }
            Body::DataSec(section) => {
                for var in section.vars() {
                    if let Body::Var(variable) = self.btf.type_at(var.var).body() {
                        let offset = base + i64::from(var.offset);
                        self.look_at(variable.ty, offset, (var.var, None), depth);
                    }
                }
            }
            _ => {}
        }
    }

    /// A member or variable; `named` is where tags on it are.
    fn look_at(&mut self, ty: TypeId, offset: i64, named: (TypeId, Option<u32>), depth: u32) {
        if self.found.len() >= FIELDS_MAX {
            return;
        }
        let resolved = self.btf.resolve(ty);
        let special = match resolved.body() {
            Body::Struct(_) => match self.structure(resolved.name(), named) {
                Some(special) => special,
                None => return self.look(ty, offset, depth + 1),
            },
            Body::Array(array) => {
                let bytes = self.btf.size_of(array.element).unwrap_or(0) as i64;
                let before = self.found.len();
                for index in 0..i64::from(array.len) {
                    self.look_at(array.element, offset + index * bytes, named, depth + 1);
                    if self.found.len() == before {
                        return;
                    }
                }
                return;
            }
            Body::Ptr(target) => match self.kptr(target) {
                Some(kptr) => Special::Kptr(kptr),
                None => return,
            },
            _ => return,
        };
        self.found.push(Field {
            offset,
            bytes: self.btf.size_of(ty).unwrap_or(8) as i64,
            special,
        });
    }

    fn structure(&self, name: &str, named: (TypeId, Option<u32>)) -> Option<Special> {
        Some(match name {
            "bpf_spin_lock" => Special::SpinLock,
            "bpf_res_spin_lock" => Special::ResilientLock,
            "bpf_timer" => Special::Timer,
            "bpf_wq" => Special::Workqueue,
            "bpf_task_work" => Special::TaskWork,
            "bpf_refcount" => Special::Refcount,
            "bpf_list_head" => Special::ListHead(self.root(named)?),
            "bpf_list_node" => Special::ListNode,
            "bpf_rb_root" => Special::TreeRoot(self.root(named)?),
            "bpf_rb_node" => Special::TreeNode,
            _ => return None,
        })
    }

    /// What a list or tree holds, by the tag `contains:TYPE:MEMBER`.
    fn root(&self, (ty, component): (TypeId, Option<u32>)) -> Option<Root> {
        let tags = self.btf.decl_tags(ty, component);
        let tag = tags.iter().find_map(|tag| tag.strip_prefix("contains:"))?;
        let (object, node) = tag.split_once(':')?;
        let object = self.btf.find(object, Kind::Struct)?;
        let composite = self.btf.type_at(object).composite()?;
        let member = composite.members().find(|member| member.name == node)?;
        Some(Root {
            object: object.0,
            node: member.bit_offset / 8,
        })
    }

    fn kptr(&self, target: TypeId) -> Option<Kptr> {
        let keeps = self.btf.type_tags(target).into_iter().find_map(|tag| {
            Some(match tag {
                "kptr_untrusted" => Keeps::Untrusted,
                "kptr" => Keeps::Owned,
                "percpu_kptr" => Keeps::PerCpu,
                "uptr" => Keeps::User,
                _ => return None,
            })
        })?;
        let ty = self.btf.resolve(target);
        let known = |kernel: &Btf| crate::kernel::structure(kernel, ty.name()).is_some();
        let local = keeps == Keeps::PerCpu || self.kernel.is_some_and(|kernel| !known(kernel));
        Some(Kptr {
            keeps,
            target: if local {
                Target::Object(ty.id().0)
            } else {
                Target::Kernel(ty.name().to_owned())
            },
            name: ty.name().to_owned(),
            bytes: self.btf.size_of(target).unwrap_or(0) as u32,
        })
    }
}
