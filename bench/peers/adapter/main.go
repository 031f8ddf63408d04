// Between Envoy's ext_authz over HTTP and the REST API of OPA, which do not fit together: Envoy asks
// by the head of the request to be checked, its path behind a prefix, and takes 200 for yes; OPA
// wants that as JSON and says yes in JSON. Without -opa it says yes to everything, which measures
// what Envoy's question and this program cost without a decision.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"strings"
)

const prefix = "/check"

type question struct {
	Input input `json:"input"`
}
type input struct {
	Attributes attributes `json:"attributes"`
	ParsedPath []string   `json:"parsed_path"`
}
type attributes struct {
	Request request `json:"request"`
}
type request struct {
	HTTP head `json:"http"`
}
type head struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Host    string            `json:"host"`
	Headers map[string]string `json:"headers"`
}

func main() {
	address := flag.String("listen", "", "address")
	opa := flag.String("opa", "", "URL of the decision")
	flag.Parse()
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true,
	}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if *opa != "" && !allows(client, *opa, r) {
			w.WriteHeader(http.StatusForbidden)
		}
	}
	log.Fatal(http.ListenAndServe(*address, http.HandlerFunc(handler)))
}

func allows(client *http.Client, url string, r *http.Request) bool {
	path := strings.TrimPrefix(r.RequestURI, prefix)
	plain, _, _ := strings.Cut(path, "?")
	headers := make(map[string]string, len(r.Header))
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	body, err := json.Marshal(question{input{
		Attributes: attributes{request{head{
			Method: r.Method, Path: path, Host: r.Host, Headers: headers,
		}}},
		ParsedPath: strings.Split(strings.TrimPrefix(plain, "/"), "/"),
	}})
	if err != nil {
		return false
	}
	response, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	var answer struct {
		Result bool `json:"result"`
	}
	return err == nil && json.Unmarshal(text, &answer) == nil && answer.Result
}
