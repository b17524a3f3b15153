-- wrk: GET /authorize (or the path in PATH_UNDER_TEST) with a random key of the file KEYS, at most KEYS_MAX of them.
local requests = {}

function init(args)
  local path = os.getenv("PATH_UNDER_TEST") or "/authorize"
  local most = tonumber(os.getenv("KEYS_MAX") or "1000000")
  for key in io.lines(os.getenv("KEYS")) do
    requests[#requests + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: localhost\r\nAuthorization: ApiKey " .. key ..
      "\r\nX-Original-Method: GET\r\nX-Original-URI: /agreements/\r\n\r\n"
    if #requests == most then break end
  end
  math.randomseed(os.time())
end

function request()
  return requests[math.random(#requests)]
end
