/** `http.send`: what is wrong with a request is found here, what it is answered comes from the query. */
import type { Builtins } from "../builtin.ts";
import { HttpFailure, toErrorAnswer } from "../network/failure.ts";
import { parseRequest, raisesErrors } from "../network/request.ts";

export const builtins: Builtins = {
  "http.send": (operands, query) => {
    const request = operands.object(0);
    const raises = raisesErrors(request);
    try {
      parseRequest(request);
    } catch (error) {
      if (raises || !(error instanceof HttpFailure)) throw error;
      return toErrorAnswer(error);
    }
    return query.answer({ name: "http.send", operands: [request] });
  },
};
