-- wrk: POST /public/v1/auth/tokens with the first key of the file KEYS.
local body = '{"name": "Benchmark", "extension": {"id": "EXT-000"}}'
local message

function init(args)
  local key = io.lines(os.getenv("KEYS"))()
  message = "POST /public/v1/auth/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: ApiKey " .. key ..
    "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function request()
  return message
end
