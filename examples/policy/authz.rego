# Who may do what with orders. Callers bring an opaque bearer token; data.orders.tokens maps the
# SHA-256 of a token to a user and roles, so that the bundle holds no secret that could be used.
package envoy.authz

# The decision: an object as the OPA Envoy plugin understands it. The order of the rules matters.
allow := {"allowed": true} if {
	some route in data.orders.public
	matches(route)
} else := {
	"allowed": true,
	"headers": {"x-user": caller.user, "x-roles": concat(",", caller.roles)},
	"request_headers_to_remove": ["authorization"],
} if {
	some role in caller.roles
	some route in data.orders.roles[role]
	matches(route)
} else := {"allowed": false, "http_status": 403, "body": "not allowed\n"} if {
	caller
} else := {
	"allowed": false,
	"http_status": 401,
	"headers": {"www-authenticate": "Bearer"},
	"body": "a valid bearer token is required\n",
}

caller := data.orders.tokens[crypto.sha256(token)]

token := trim_space(substring(header, count("bearer "), -1)) if {
	header := input.attributes.request.http.headers.authorization
	startswith(lower(header), "bearer ")
}

# /orders/* is every path with two segments of which the first is "orders".
matches(route) if {
	input.attributes.request.http.method in route.methods
	pattern := split(trim_left(route.path, "/"), "/")
	count(pattern) == count(input.parsed_path)
	every i, wanted in pattern {
		matches_segment(wanted, input.parsed_path[i])
	}
}

matches_segment(wanted, segment) if wanted == segment

matches_segment("*", segment) if segment != ""
