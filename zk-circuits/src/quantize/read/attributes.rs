//! A node's attributes and inputs, checked.

use super::{Operand, Reader};
use crate::{
	onnx::{Attribute, Node},
	quantize::{value::Value, QuantizeError},
};

pub(super) fn refuse(node: &Node, reason: impl Into<String>) -> QuantizeError {
	QuantizeError::Node {
		node: node.name.clone(),
		operator: node.operator.clone(),
		reason: reason.into(),
	}
}

pub(super) fn bad_attribute(node: &Node, name: &str, hint: impl Into<String>) -> QuantizeError {
	QuantizeError::Attribute {
		node: node.name.clone(),
		operator: node.operator.clone(),
		attribute: name.into(),
		hint: hint.into(),
	}
}

/// Refuses attributes that are not among `known`.
pub(super) fn known(node: &Node, known: &[&str]) -> Result<(), QuantizeError> {
	match node.attributes.keys().find(|name| !known.contains(&name.as_str())) {
		Some(name) => Err(bad_attribute(node, name, "it is not known; remove it")),
		None => Ok(()),
	}
}

pub(super) fn int(node: &Node, name: &str) -> Result<Option<i64>, QuantizeError> {
	match node.attributes.get(name) {
		None => Ok(None),
		Some(Attribute::Int(x)) => Ok(Some(*x)),
		Some(_) => Err(bad_attribute(node, name, "it must be an integer")),
	}
}

pub(super) fn flag(node: &Node, name: &str, default: bool) -> Result<bool, QuantizeError> {
	Ok(int(node, name)?.map_or(default, |x| x != 0))
}

pub(super) fn float(node: &Node, name: &str, default: f32) -> Result<f64, QuantizeError> {
	match node.attributes.get(name) {
		None => Ok(f64::from(default)),
		Some(Attribute::Float(x)) if x.is_finite() => Ok(f64::from(*x)),
		Some(_) => Err(bad_attribute(node, name, "it must be a finite number")),
	}
}

pub(super) fn ints(node: &Node, name: &str) -> Result<Option<Vec<i64>>, QuantizeError> {
	match node.attributes.get(name) {
		None => Ok(None),
		Some(Attribute::Ints(x)) => Ok(Some(x.clone())),
		Some(_) => Err(bad_attribute(node, name, "it must be a list of integers")),
	}
}

pub(super) fn text<'a>(
	node: &'a Node,
	name: &str,
	default: &'a str,
) -> Result<&'a str, QuantizeError> {
	match node.attributes.get(name) {
		None => Ok(default),
		Some(Attribute::Text(x)) => Ok(x),
		Some(_) => Err(bad_attribute(node, name, "it must be text")),
	}
}

/// An axis of a tensor of this rank; negative ones count from the end.
pub(super) fn axis(node: &Node, axis: i64, rank: usize) -> Result<usize, QuantizeError> {
	let from_front = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
	usize::try_from(from_front)
		.ok()
		.filter(|&at| at < rank)
		.ok_or_else(|| refuse(node, format!("axis {axis} is none of a tensor of rank {rank}")))
}

/// Sorted axes without repetition.
pub(super) fn axes(node: &Node, list: &[i64], rank: usize) -> Result<Vec<usize>, QuantizeError> {
	let mut axes = list.iter().map(|&x| axis(node, x, rank)).collect::<Result<Vec<_>, _>>()?;
	axes.sort_unstable();
	axes.dedup();
	match axes.len() == list.len() {
		true => Ok(axes),
		false => Err(refuse(node, format!("axes {list:?} name one axis twice"))),
	}
}

impl Reader<'_> {
	/// The operand at an input, if it is given.
	pub(super) fn optional(
		&self,
		node: &Node,
		at: usize,
	) -> Result<Option<Operand>, QuantizeError> {
		match node.inputs.get(at).map(String::as_str) {
			None | Some("") => Ok(None),
			Some(name) => self
				.values
				.get(name)
				.cloned()
				.map(Some)
				.ok_or_else(|| refuse(node, format!("its input '{name}' can not be followed"))),
		}
	}

	pub(super) fn operand(&self, node: &Node, at: usize) -> Result<Operand, QuantizeError> {
		self.optional(node, at)?.ok_or_else(|| refuse(node, format!("its input {at} is missing")))
	}

	/// The constant at an input, if it is given.
	pub(super) fn optional_constant(
		&self,
		node: &Node,
		at: usize,
	) -> Result<Option<Value>, QuantizeError> {
		match self.optional(node, at)? {
			None => Ok(None),
			Some(Operand::Constant(value)) if value.data.iter().all(|x| !x.is_nan()) => {
				Ok(Some(value))
			},
			Some(Operand::Constant(_)) => {
				Err(refuse(node, format!("its input {at} holds what is not a number")))
			},
			Some(Operand::Node(_)) => Err(refuse(
				node,
				format!("its input {at} must be a constant; export the model with fixed shapes"),
			)),
		}
	}

	pub(super) fn constant(&self, node: &Node, at: usize) -> Result<Value, QuantizeError> {
		self.optional_constant(node, at)?
			.ok_or_else(|| refuse(node, format!("its input {at} is missing")))
	}

	/// Weights: a constant of finite numbers.
	pub(super) fn weights(&self, node: &Node, at: usize) -> Result<Value, QuantizeError> {
		let value = self.constant(node, at)?;
		match value.data.iter().all(|x| x.is_finite()) {
			true => Ok(value),
			false => Err(refuse(node, "a weight is infinite")),
		}
	}

	/// A list that is an attribute in old operator sets and a constant input in new ones.
	pub(super) fn list(
		&self,
		node: &Node,
		name: &str,
		at: usize,
	) -> Result<Option<Vec<i64>>, QuantizeError> {
		match ints(node, name)? {
			Some(list) => Ok(Some(list)),
			None => Ok(self.optional_constant(node, at)?.map(|value| value.to_ints())),
		}
	}
}
