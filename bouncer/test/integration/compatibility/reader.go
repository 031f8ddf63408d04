// Reads what OPA's Envoy plugin reads with Go's standard library, with that library: one JSON text
// per line in, one out. The tests beside this file compare its answers with the bouncer's.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"strings"
)

type question struct {
	Kind        string
	ContentType string
	Bytes       []byte
}

type answer struct {
	Accepted bool `json:"accepted"`
	Value    any  `json:"value"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		value, err := read(asked)
		text, failed := json.Marshal(answer{Accepted: err == nil, Value: value})
		if failed != nil {
			panic(failed)
		}
		out.Write(append(text, '\n'))
	}
}

func read(asked question) (any, error) {
	switch asked.Kind {
	case "path":
		path, err := url.PathUnescape(string(asked.Bytes))
		return strings.Split(strings.TrimLeft(path, "/"), "/"), err
	case "form":
		form, err := url.ParseQuery(string(asked.Bytes))
		return form, err
	case "json":
		return readJSON(asked.Bytes)
	case "multipart":
		return readParts(asked.ContentType, asked.Bytes)
	}
	return nil, errors.New("unknown kind")
}

func readJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

func readParts(contentType string, body []byte) (any, error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	reader := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	fields := map[string][]any{}
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return fields, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		var value any = string(text)
		if strings.Contains(part.Header.Get("Content-Type"), "application/json") {
			if value, err = readJSON(text); err != nil {
				return nil, err
			}
		}
		fields[part.FormName()] = append(fields[part.FormName()], value)
	}
}
