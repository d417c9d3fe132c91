//! Finding special fields in a type, as `btf_parse_fields` does (`kernel/bpf/btf.c`, 6.18).

use std::sync::Arc;

use osmia_btf::{Body, Btf, Composite, Kind, Type, TypeId};
use osmia_program::Errno;

use super::{Field, FieldKind, Fields, Kptr, Ownership, Root};

/// Most fields a type may have (`BTF_FIELDS_MAX`).
const FIELDS_MAX: usize = 11;
/// Most structures and arrays around a field (`MAX_RESOLVE_DEPTH`).
const DEPTH_MAX: u32 = 32;

/// Which kinds of field are looked for, as bits of [`Row::bit`].
type Wanted = u16;

/// A kind that a structure's name tells.
struct Row {
    name: &'static str,
    bit: Wanted,
    /// At most one in a type.
    once: bool,
    align: u32,
}

const KPTR: Wanted = 1 << 10;
const USER: Wanted = 1 << 11;

const ROWS: &[Row] = &[
    row("bpf_spin_lock", 1 << 0, true, 4),
    row("bpf_res_spin_lock", 1 << 1, true, 4),
    row("bpf_timer", 1 << 2, true, 8),
    row("bpf_wq", 1 << 3, true, 8),
    row("bpf_task_work", 1 << 4, true, 8),
    row("bpf_list_head", 1 << 5, false, 8),
    row("bpf_list_node", 1 << 6, false, 8),
    row("bpf_rb_root", 1 << 7, false, 8),
    row("bpf_rb_node", 1 << 8, false, 8),
    row("bpf_refcount", 1 << 9, false, 4),
];

const fn row(name: &'static str, bit: Wanted, once: bool, align: u32) -> Row {
    Row {
        name,
        bit,
        once,
        align,
    }
}

/// What values of maps may have.
pub(crate) const VALUE_FIELDS: Wanted = 0xfff & !(1 << 6) & !(1 << 8);
/// What objects that programs make may have.
pub(crate) const OBJECT_FIELDS: Wanted = 0x3ff & !(1 << 2) & !(1 << 3) & !(1 << 4) | KPTR;

/// Why a type's fields are unusable: the kernel makes the map, and then no program gets at a field.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldsError(pub(crate) Errno);

/// The special fields of a type of so many bytes; `None` if it has none.
pub(crate) fn parse(
    btf: &Btf,
    ty: TypeId,
    wanted: Wanted,
    bytes: u32,
) -> Result<Option<Fields>, FieldsError> {
    let mut search = Search {
        btf,
        wanted,
        seen: 0,
        found: Vec::new(),
    };
    match btf.resolve(ty).body() {
        Body::Struct(composite) => search.members(btf.resolve(ty), composite, 0, 0)?,
        Body::DataSec(section) => {
            for entry in section.vars() {
                if let Body::Var(var) = btf.type_at(entry.var).body() {
                    let place = Place {
                        holder: entry.var,
                        component: None,
                        offset: entry.offset,
                        bytes: Some(entry.size),
                    };
                    search.one(var.ty, place, 0)?;
                }
            }
        }
        _ => {}
    }
    let mut list = search.found;
    if list.is_empty() {
        return Ok(None);
    }
    list.sort_by_key(|field| field.offset);
    let mut next = 0;
    for field in &list {
        if u64::from(field.offset) + u64::from(field.kind.bytes()) > u64::from(bytes) {
            return Err(FieldsError(Errno::EFAULT));
        }
        if field.offset < next {
            return Err(FieldsError(Errno::EEXIST));
        }
        next = field.offset + field.kind.bytes();
    }
    let fields = Fields { list: list.into() };
    check(&fields)?;
    Ok(Some(fields))
}

/// What has to come together, or apart.
fn check(fields: &Fields) -> Result<(), FieldsError> {
    let has = |wanted: fn(&FieldKind) -> bool| fields.find(wanted).is_some();
    let spin = has(|kind| *kind == FieldKind::SpinLock);
    let resilient = has(|kind| *kind == FieldKind::ResSpinLock);
    let root = has(|kind| matches!(kind, FieldKind::List(_) | FieldKind::Tree(_)));
    let list_node = has(|kind| *kind == FieldKind::ListNode);
    let tree_node = has(|kind| *kind == FieldKind::TreeNode);
    let counted = has(|kind| *kind == FieldKind::Refcount);
    let wrong =
        spin && resilient || root && !spin && !resilient || list_node && tree_node && !counted;
    match wrong {
        true => Err(FieldsError(Errno::EINVAL)),
        false => Ok(()),
    }
}

/// Where something is: a member of a structure or a variable of a section.
#[derive(Copy, Clone)]
struct Place {
    /// What a tag of it is attached to.
    holder: TypeId,
    component: Option<u32>,
    offset: u32,
    /// Bytes it must have, where somebody says so.
    bytes: Option<u32>,
}

struct Search<'b> {
    btf: &'b Btf,
    wanted: Wanted,
    seen: Wanted,
    found: Vec<Field>,
}

impl<'b> Search<'b> {
    fn members(
        &mut self,
        ty: Type<'b>,
        composite: Composite<'b>,
        base: u32,
        depth: u32,
    ) -> Result<(), FieldsError> {
        for (position, member) in (0..).zip(composite.members()) {
            if !member.bit_offset.is_multiple_of(8) {
                // Kernel and bitfields: those have no special fields.
                continue;
            }
            let offset = base
                .checked_add(member.bit_offset / 8)
                .ok_or(FieldsError(Errno::E2BIG))?;
            let place = Place {
                holder: ty.id(),
                component: Some(position),
                offset,
                bytes: None,
            };
            self.one(member.ty, place, depth)?;
        }
        Ok(())
    }

    /// Looks at one member or variable, and into what it consists of.
    fn one(&mut self, ty: TypeId, place: Place, depth: u32) -> Result<(), FieldsError> {
        let btf = self.btf;
        let mut ty = btf.type_at(ty);
        let mut count = 1_u32;
        let mut arrays = 0;
        while let Body::Array(array) = ty.body() {
            if arrays == DEPTH_MAX {
                return Err(FieldsError(Errno::E2BIG));
            }
            arrays += 1;
            count = count.saturating_mul(array.len);
            ty = btf.type_at(array.element);
        }
        if count == 0 {
            return Ok(());
        }
        let row = (ROWS.iter()).find(|row| self.wanted & row.bit != 0 && ty.name() == row.name);
        let (kind, align) = match (row, ty.body()) {
            (Some(row), body) => {
                if row.once && self.seen & row.bit != 0 {
                    return Err(FieldsError(Errno::E2BIG));
                }
                self.seen |= row.bit;
                let Body::Struct(composite) = body else {
                    return Ok(());
                };
                (self.named(row, composite, place)?, row.align)
            }
            (None, Body::Struct(composite)) => {
                let bytes = composite.size.saturating_mul(count);
                if place.bytes.is_some_and(|wanted| wanted != bytes) {
                    return Ok(());
                }
                if depth == DEPTH_MAX {
                    return Err(FieldsError(Errno::E2BIG));
                }
                return self.repeated(count, composite.size, |search| {
                    search.members(ty, composite, place.offset, depth + 1)
                });
            }
            (None, _) => (self.pointer(ty)?, 8),
        };
        let Some(kind) = kind else {
            return Ok(());
        };
        let bytes = kind.bytes();
        if place
            .bytes
            .is_some_and(|wanted| wanted != bytes.saturating_mul(count))
            || !place.offset.is_multiple_of(align)
        {
            return Ok(());
        }
        self.repeated(count, bytes, |search| {
            search.found.push(Field {
                offset: place.offset,
                kind: kind.clone(),
            });
            Ok(())
        })
    }

    /// Finds fields once, and again for every further element of an array.
    fn repeated(
        &mut self,
        count: u32,
        bytes: u32,
        find: impl FnOnce(&mut Self) -> Result<(), FieldsError>,
    ) -> Result<(), FieldsError> {
        let before = self.found.len();
        find(self)?;
        let first = self.found[before..].to_vec();
        let again = count - 1;
        let repeatable = |field: &Field| {
            matches!(
                field.kind,
                FieldKind::Kptr(_) | FieldKind::List(_) | FieldKind::Tree(_)
            )
        };
        if again > 0 && !first.iter().all(repeatable) {
            return Err(FieldsError(Errno::EINVAL));
        }
        if first.len() as u64 * u64::from(count) + before as u64 > FIELDS_MAX as u64 {
            return Err(FieldsError(Errno::E2BIG));
        }
        // Few, as just checked, if there are any.
        let turns = if first.is_empty() { 0 } else { again };
        for turn in 1..=turns {
            self.found.extend(first.iter().map(|field| Field {
                offset: field.offset.saturating_add(turn.saturating_mul(bytes)),
                kind: field.kind.clone(),
            }));
        }
        Ok(())
    }

    /// The kind that a structure of this name and size is.
    fn named(
        &self,
        row: &Row,
        composite: Composite<'_>,
        place: Place,
    ) -> Result<Option<FieldKind>, FieldsError> {
        let kind = match row.name {
            "bpf_spin_lock" => FieldKind::SpinLock,
            "bpf_res_spin_lock" => FieldKind::ResSpinLock,
            "bpf_timer" => FieldKind::Timer,
            "bpf_wq" => FieldKind::Work,
            "bpf_task_work" => FieldKind::TaskWork,
            "bpf_list_head" => FieldKind::List(self.root(place)?),
            "bpf_list_node" => FieldKind::ListNode,
            "bpf_rb_root" => FieldKind::Tree(self.root(place)?),
            "bpf_rb_node" => FieldKind::TreeNode,
            _ => FieldKind::Refcount,
        };
        Ok((composite.size == kind.bytes()).then_some(kind))
    }

    /// What `contains:TYPE:FIELD` beside a list or tree says.
    fn root(&self, place: Place) -> Result<Root, FieldsError> {
        let invalid = FieldsError(Errno::EINVAL);
        let tags = self.btf.decl_tags(place.holder, place.component);
        let tag = tags.iter().find_map(|tag| tag.strip_prefix("contains:"));
        let (of, node) = tag.and_then(|tag| tag.split_once(':')).ok_or(invalid)?;
        let ty = self.btf.find(of, Kind::Struct);
        let ty = ty.ok_or(FieldsError(Errno::ENOENT))?;
        let Body::Struct(composite) = self.btf.type_at(ty).body() else {
            return Err(invalid);
        };
        let member = (composite.members()).find(|member| member.name == node);
        let member = member.filter(|_| !node.is_empty()).ok_or(invalid)?;
        Ok(Root {
            of: Arc::from(of),
            node_offset: member.bit_offset / 8,
        })
    }

    /// The kind that a tagged pointer is.
    fn pointer(&self, ty: Type<'_>) -> Result<Option<FieldKind>, FieldsError> {
        let btf = self.btf;
        if self.wanted & (KPTR | USER) == 0 {
            return Ok(None);
        }
        let ty = match ty.body() {
            Body::Volatile(inner) => btf.type_at(inner),
            _ => ty,
        };
        let Body::Ptr(pointee) = ty.body() else {
            return Ok(None);
        };
        let tag = btf.type_at(pointee);
        let Body::TypeTag(inner) = tag.body() else {
            return Ok(None);
        };
        let invalid = Err(FieldsError(Errno::EINVAL));
        if btf.type_at(inner).kind() == Kind::TypeTag {
            return invalid;
        }
        let (ownership, bit) = match tag.name() {
            "kptr_untrusted" => (Ownership::Untrusted, KPTR),
            "kptr" => (Ownership::Reference, KPTR),
            "percpu_kptr" => (Ownership::PerCpu, KPTR),
            "uptr" => (Ownership::User, USER),
            _ => return invalid,
        };
        if self.wanted & bit == 0 {
            return Ok(None);
        }
        let of = btf.skip_modifiers(inner);
        match of.body() {
            Body::Struct(_) | Body::Union(_) | Body::Fwd(_) => Ok(Some(FieldKind::Kptr(Kptr {
                ownership,
                of: Arc::from(of.name()),
            }))),
            _ => invalid,
        }
    }
}
