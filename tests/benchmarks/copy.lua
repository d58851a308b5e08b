-- wrk: every request copies the tutorial's DID to a number of its own, which begins with the first argument.
local counter, failed = 0, 0

function init(arguments)
  prefix = arguments[1]
end

function request()
  counter = counter + 1
  return wrk.format("GET", "/vicidial/non_agent_api.php?function=copy_did&user=admin&pass=1234&source=bench"
    .. "&did_pattern=18001234567&new_did_pattern=9" .. prefix .. string.format("%08d", counter)
    .. "&did_active=Y")
end

function response(status, headers, body)
  if status ~= 200 or body:sub(1, 8) ~= "SUCCESS:" then failed = failed + 1 end
  thread_failed = failed
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function done(summary, latency, requests)
  local total = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do
    total = total + (thread:get("thread_failed") or 0)
  end
  io.write("not copied: " .. total .. "\n")
end
