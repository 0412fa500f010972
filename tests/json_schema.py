"""A small JSON Schema checker for tests: the keywords that docs/schema and `walras schema` use, and no more. A keyword
that it does not know is an error, so that no promise goes unchecked."""
import json
import re

ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "default", "examples", "unit", "x-unit", "x-component", "$comment"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def problems(value, schema, root=None, where=""):
    """Every way in which value breaks schema, as texts "<json pointer>: ..."."""
    root = schema if root is None else root
    if schema is True or schema == {}:
        return []
    found = []
    say = lambda text: found.append(f"{where or '/'}: {text}")
    for keyword, rule in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword == "$ref":
            target = root
            for part in rule.removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            found += problems(value, target, root, where)
        elif keyword == "type":
            names = rule if isinstance(rule, list) else [rule]
            if not any(is_type(value, n) for n in names):
                say(f"expected {' or '.join(names)}, was {json.dumps(value)[:60]}")
        elif keyword == "const":
            if value != rule:
                say(f"expected {rule!r}, was {value!r}")
        elif keyword == "enum":
            if value not in rule:
                say(f"expected one of {rule}, was {value!r}")
        elif keyword == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                say(f"expected a text like {rule}, was {value!r}")
        elif keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if is_type(value, "number"):
                good = {"minimum": value >= rule, "maximum": value <= rule, "exclusiveMinimum": value > rule,
                        "exclusiveMaximum": value < rule}[keyword]
                if not good:
                    say(f"expected {keyword} {rule}, was {value}")
        elif keyword in ("minItems", "maxItems"):
            if isinstance(value, list) and (len(value) < rule if keyword == "minItems" else len(value) > rule):
                say(f"expected {keyword} {rule}, was {len(value)}")
        elif keyword == "minLength":
            if isinstance(value, str) and len(value) < rule:
                say(f"expected {rule} characters, was {len(value)}")
        elif keyword == "required":
            if isinstance(value, dict):
                for name in rule:
                    if name not in value:
                        say(f"expected the member {name}, was absent")
        elif keyword == "properties":
            if isinstance(value, dict):
                for name, part in rule.items():
                    if name in value:
                        found += problems(value[name], part, root, f"{where}/{name}")
        elif keyword == "additionalProperties":
            if isinstance(value, dict):
                known = schema.get("properties", {})
                for name in value:
                    if name in known:
                        continue
                    if rule is False:
                        say(f"expected one of {sorted(known)}, was the member {name}")
                    elif rule is not True:
                        found += problems(value[name], rule, root, f"{where}/{name}")
        elif keyword == "items":
            if isinstance(value, list):
                for i, item in enumerate(value):
                    found += problems(item, rule, root, f"{where}/{i}")
        elif keyword in ("oneOf", "anyOf"):
            fitting = [s for s in rule if not problems(value, s, root, where)]
            if not fitting or (keyword == "oneOf" and len(fitting) > 1):
                say(f"expected {keyword} {len(rule)} forms, fits {len(fitting)}")
        elif keyword == "not":
            if not problems(value, rule, root, where):
                say(f"expected none of {rule}, was {value!r}")
        elif keyword == "allOf":
            for part in rule:
                found += problems(value, part, root, where)
        elif keyword in ("if", "then", "else"):
            if keyword == "if":
                branch = schema.get("else" if problems(value, rule, root, where) else "then")
                if branch is not None:
                    found += problems(value, branch, root, where)
        else:
            raise ValueError(f"this checker does not know the keyword {keyword}")
    return found
