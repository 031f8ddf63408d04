package envoy.authz_test

import data.envoy.authz

ask(method, path, headers) := decision if {
	decision := authz.allow with input as {
		"attributes": {"request": {"http": {"method": method, "headers": headers}}},
		"parsed_path": split(trim_left(path, "/"), "/"),
	}
}

alice := {"authorization": "Bearer alice-token"}

bob := {"authorization": "Bearer bob-token"}

test_health_is_public if {
	ask("GET", "/health", {}).allowed
}

test_public_route_is_public_for_its_methods_only if {
	ask("POST", "/health", {}).http_status == 401
}

test_no_token_is_told_to_bring_one if {
	decision := ask("GET", "/orders", {})
	not decision.allowed
	decision.http_status == 401
	decision.headers["www-authenticate"] == "Bearer"
}

test_unknown_token_is_no_token if {
	ask("GET", "/orders", {"authorization": "Bearer nobody"}).http_status == 401
}

test_other_scheme_is_no_token if {
	ask("GET", "/orders", {"authorization": "Basic alice-token"}).http_status == 401
}

test_scheme_in_any_case if {
	ask("GET", "/orders", {"authorization": "bearer bob-token"}).allowed
}

test_viewer_reads if {
	every path in {"/orders", "/orders/7"} {
		ask("GET", path, bob).allowed
	}
}

test_viewer_does_not_write if {
	decision := ask("POST", "/orders", bob)
	not decision.allowed
	decision.http_status == 403
}

test_editor_writes if {
	ask("POST", "/orders", alice).allowed
	ask("PUT", "/orders/7", alice).allowed
	ask("DELETE", "/orders/7", alice).allowed
}

test_star_is_one_segment_and_not_empty if {
	every path in {"/orders/", "/orders/7/", "/orders/7/items"} {
		ask("GET", path, alice).http_status == 403
	}
}

test_unknown_path_is_refused if {
	ask("GET", "/admin", alice).http_status == 403
}

test_application_learns_who_it_is_and_not_the_token if {
	decision := ask("GET", "/orders", alice)
	decision.headers["x-user"] == "alice"
	decision.headers["x-roles"] == "editor,viewer"
	decision.request_headers_to_remove == ["authorization"]
}
